use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Deserialize;
use serde_json::json;
use store::{AuditRow, PageAt};

use super::list::AuditAsked;
use crate::App;
use crate::api::audit::AuditView;
use crate::api::csv;
use crate::console::Visitor;
use crate::problem::Problem;
use crate::read::{Admin, Query};

/// Most lines of one file.
const LINES: usize = 10_000;
const COLUMNS: [&str; 8] = [
    "id", "at", "actor", "action", "what", "target", "epoch", "detail",
];

#[derive(Debug, Deserialize)]
pub(super) struct ExportQuery {
    /// `csv` or `jsonl`.
    format: Option<String>,
}

/// The lines that fit, newest first, as a file. When there are more than it holds, the last line says so.
pub(super) async fn export(
    app: State<App>,
    visitor: Visitor,
    Query(asked): Query<AuditAsked>,
    Query(file): Query<ExportQuery>,
) -> Result<Response, Problem> {
    Admin::new(visitor.caller.clone())?;
    let is_csv = match file.format.as_deref() {
        Some("csv") => true,
        Some("jsonl") => false,
        _ => return Err(Problem::field("?format", "is csv or jsonl")),
    };
    let (wanted, _) = asked.query().parse()?;
    let (mut rows, mut cursor, mut is_first) = (Vec::new(), None, true);
    while (is_first || cursor.is_some()) && rows.len() < LINES {
        let at = PageAt::new(Some(PageAt::MOST), cursor);
        let found = app.store().audit(&wanted, &at).await?;
        rows.extend(found.items);
        cursor = found.next;
        is_first = false;
    }
    let is_cut = cursor.is_some();
    let (text, kind) = if is_csv {
        (sheet(rows, is_cut), "text/csv; charset=utf-8")
    } else {
        (lines(rows, is_cut), "application/jsonl; charset=utf-8")
    };
    let name = if is_csv { "audit.csv" } else { "audit.jsonl" };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, text).into_response())
}

fn sheet(rows: Vec<AuditRow>, is_cut: bool) -> Vec<u8> {
    let mut text = csv::row(&COLUMNS.map(str::to_owned), false);
    for row in rows {
        let cells = [
            row.number.to_string(),
            row.at.to_string(),
            json!(row.actor).to_string(),
            row.action,
            row.what,
            row.id,
            row.epoch.to_string(),
            row.detail.to_string(),
        ];
        text.extend(csv::row(&cells, false));
    }
    if is_cut {
        text.extend(csv::row(&[cut()], false));
    }
    text
}

fn lines(rows: Vec<AuditRow>, is_cut: bool) -> Vec<u8> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&json!(AuditView::from(row)).to_string());
        text.push('\n');
    }
    if is_cut {
        text.push_str(&json!({"cut": cut()}).to_string());
        text.push('\n');
    }
    text.into_bytes()
}

fn cut() -> String {
    format!("there are more than {LINES} lines; narrow them, by time for example")
}

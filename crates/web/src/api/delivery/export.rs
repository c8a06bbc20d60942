use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::access::Scope;
use domain::configuration::Configuration;
use http::Uri;
use serde::Serialize;
use serde_json::json;
use store::{DeliveryQuery, DeliveryRow, LastTry, PageAt, Standing};
use tokio::sync::OwnedSemaphorePermit;

use super::fault;
use super::list::DeliveriesQuery;
use crate::App;
use crate::api::file::{self, Label, MOST, Parts};
use crate::api::{Named, csv};
use crate::problem::Problem;
use crate::read::{ListQuery, Params, Viewer};

/// Deliveries of one read.
const PAGE: u16 = 500;
/// Parameters of the file alone.
const OWN: [&str; 3] = ["format", "limit", "cursor"];
const COLUMNS: [&str; 18] = [
    "id",
    "created_at",
    "status",
    "reason",
    "fault",
    "cause",
    "status_code",
    "company",
    "integration",
    "rule",
    "subject",
    "critical",
    "attempts_spent",
    "duration_millis",
    "next_attempt_at",
    "replay_of",
    "event_ids",
    "kind",
];

/// A delivery in a file, with its last attempt in figures.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    created_at: Timestamp,
    status: &'static str,
    reason: Option<String>,
    fault: Option<&'static str>,
    cause: Option<String>,
    status_code: Option<u16>,
    company: Named,
    integration: Named,
    rule: Named,
    subject: String,
    critical: bool,
    attempts_spent: u32,
    duration_millis: Option<f64>,
    next_attempt_at: Option<Timestamp>,
    replay_of: Option<String>,
    event_ids: Vec<String>,
    kind: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jsonl,
    Csv,
}

/// Deliveries as a file, newest first: streamed, by the query keys of `GET /api/v1/deliveries`. JSON lines end with a line
/// `{"end": {"deliveries", "complete", "next"}}`; in CSV every cell is quoted, and none is a formula.
#[utoipa::path(get, path = "/api/v1/deliveries/export", tag = "deliveries",
    params(DeliveriesQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = ListQuery::<DeliveriesQuery>::read(&uri, &OWN)?;
    let mut params = Params::default();
    let format = params.with("format", Some(asked.own("format")), |word| match word {
        "jsonl" => Ok(Format::Jsonl),
        "csv" => Ok(Format::Csv),
        _ => Err("is `jsonl` or `csv`".to_owned()),
    });
    let limit = params.with("limit", Some(asked.own("limit")), |text| {
        match text.parse::<u64>() {
            Ok(number @ 1..=MOST) => Ok(number),
            _ => Err(format!("is a whole number from 1 to {MOST}")),
        }
    });
    let query = asked.list.read(&mut params, &caller);
    params.finish()?;
    let (format, limit) = (format.unwrap_or(Format::Jsonl), limit.unwrap_or(MOST));
    let cursor = asked.own("cursor");
    let permit = file::permit(&app)?;
    let export = Export {
        app: app.0,
        scope: caller.scope().clone(),
        format,
        query,
        limit,
        written: 0,
        cursor: (!cursor.is_empty()).then(|| cursor.to_owned()),
        is_over: false,
        _permit: permit,
    };
    file::stream(format.label(limit), format.head(), export).await
}

struct Export {
    app: App,
    scope: Scope,
    format: Format,
    query: DeliveryQuery,
    limit: u64,
    written: u64,
    cursor: Option<String>,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Parts for Export {
    const OF: &'static str = "deliveries";

    async fn part(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        if self.is_over {
            return Ok(None);
        }
        if self.app.closing().is_cancelled() {
            return Err(Problem::try_later("the server is closing"));
        }
        let left = self.limit - self.written;
        let limit = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
        let at = PageAt::new(Some(limit), self.cursor.take());
        let store = self.app.store();
        let page = store.deliveries(&self.scope, &self.query, &at).await?;
        let ids: Vec<_> = page.items.iter().map(|row| row.id).collect();
        let tries = store.last_tries(&self.scope, &ids).await?;
        let configuration = store.configuration().await?;
        self.written += page.items.len() as u64;
        let mut part = Vec::new();
        for row in page.items {
            let last = tries.get(&row.id).copied();
            let line = Line::new(row, last, &configuration);
            part.extend(self.format.line(&line));
        }
        self.is_over = page.next.is_none() || self.written >= self.limit;
        if self.is_over {
            part.extend(self.format.tail(self.written, page.next.as_deref()));
        }
        self.cursor = page.next;
        Ok(Some(part))
    }
}

impl Line {
    fn new(row: DeliveryRow, last: Option<LastTry>, configuration: &Configuration) -> Self {
        let due = row
            .not_before
            .map_or(row.due_at, |not_before| not_before.max(row.due_at));
        Self {
            id: row.id.to_string(),
            created_at: row.created_at,
            status: row.standing.as_str(),
            fault: fault(row.reason.as_deref()),
            reason: row.reason,
            cause: row.cause,
            status_code: last.and_then(|last| last.status_code),
            company: Named::company(row.company, configuration),
            integration: Named::integration(row.integration, configuration),
            rule: Named::rule(row.rule, configuration),
            subject: row.subject,
            critical: row.critical,
            attempts_spent: row.attempts,
            duration_millis: last.map(|last| last.duration_micros as f64 / 1_000.0),
            next_attempt_at: (row.standing == Standing::Pending).then_some(due),
            replay_of: row.replay_of.map(|id| id.to_string()),
            event_ids: row.events.iter().map(ToString::to_string).collect(),
            kind: row.kind,
        }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let name = |named: &Named| named.name.clone().unwrap_or_else(|| named.id.clone());
        [
            self.id.clone(),
            self.created_at.to_string(),
            self.status.to_owned(),
            text(&self.reason),
            self.fault.unwrap_or_default().to_owned(),
            text(&self.cause),
            self.status_code
                .map_or_else(String::new, |code| code.to_string()),
            name(&self.company),
            name(&self.integration),
            name(&self.rule),
            self.subject.clone(),
            self.critical.to_string(),
            self.attempts_spent.to_string(),
            self.duration_millis
                .map_or_else(String::new, |millis| millis.to_string()),
            self.next_attempt_at
                .map_or_else(String::new, |at| at.to_string()),
            text(&self.replay_of),
            self.event_ids.join(" "),
            text(&self.kind),
        ]
    }
}

impl Format {
    fn label(self, limit: u64) -> Label {
        let (media_type, disposition) = match self {
            Self::Jsonl => (
                "application/x-ndjson",
                "attachment; filename=\"deliveries.jsonl\"",
            ),
            Self::Csv => (
                "text/csv; charset=utf-8; header=present",
                "attachment; filename=\"deliveries.csv\"",
            ),
        };
        Label {
            media_type,
            disposition,
            limit,
        }
    }

    fn head(self) -> Vec<u8> {
        match self {
            Self::Jsonl => Vec::new(),
            Self::Csv => csv::row(&COLUMNS.map(str::to_owned), false),
        }
    }

    fn line(self, line: &Line) -> Vec<u8> {
        match self {
            Self::Jsonl => format!("{}\n", json!(line)).into_bytes(),
            Self::Csv => csv::row(&line.cells(), false),
        }
    }

    /// A file in JSON always ends with this line, so that one which broke off is known; one in CSV only where there is more.
    fn tail(self, deliveries: u64, next: Option<&str>) -> Vec<u8> {
        match (self, next) {
            (Self::Jsonl, _) => {
                let end =
                    json!({"deliveries": deliveries, "complete": next.is_none(), "next": next});
                format!("{}\n", json!({ "end": end })).into_bytes()
            }
            (Self::Csv, Some(next)) => {
                let note = format!(
                    "more: this file ends after {deliveries} deliveries; cursor={next} goes on"
                );
                csv::row(&[note], false)
            }
            (Self::Csv, None) => Vec::new(),
        }
    }
}

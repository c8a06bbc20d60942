//! The user's own entries: those there are, and how they come and go as a file.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::event_kind::{Adds, EventKind};
use domain::{EventKindId, Timestamp};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;

use crate::App;
use crate::api::configuration::document::Document;
use crate::api::configuration::plan::ChangeView;
use crate::api::configuration::put::apply;
use crate::api::event_kind::EventKindView;
use crate::console::filters;
use crate::console::form::Faults;
use crate::console::page::{ROWS, page_with, see_told};
use crate::console::silence::author;
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::problem::Problem;
use crate::read::{Caller, PageQuery, Posted, Query, json};

/// Findings that are shown of an entry; its page has all.
const FINDINGS: usize = 3;

#[derive(Debug, Template)]
#[template(path = "catalogue/entries.html")]
pub(super) struct EntriesPage {
    frame: Frame,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
    /// What was pasted to be imported.
    pasted: String,
    faults: Faults,
    /// What an import would change, when that was asked.
    changes: Option<Vec<Change>>,
}

#[derive(Debug)]
struct Row {
    path: String,
    code: String,
    adds: &'static str,
    author: String,
    created: Timestamp,
    findings: Vec<String>,
}

#[derive(Debug)]
struct Change {
    word: &'static str,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
}

pub(super) async fn show(visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    page(&EntriesPage::new(&visitor, asked)?)
}

/// All entries as a document that can be imported here, and applied by the command line.
pub(super) async fn export(visitor: Visitor) -> Result<Response, Problem> {
    let document = Document::of_event_kinds(&visitor.caller.configuration);
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Problem::internal(format!("event kinds cannot be written: {error}")))?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"alertwire-event-kinds.json\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// Takes a document back, or says what it would change. Nothing is ever removed by it.
pub(super) async fn import(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let caller = visitor.admin(&posted)?.0;
    let text = posted.text("document");
    let is_trial = posted.text("then") != "import";
    let shown = match taken(&app, &caller, text, is_trial).await {
        Ok(_) if !is_trial => return Ok(see_told("/catalogue/entries", Told::Imported)),
        Ok(changes) => EntriesPage {
            pasted: text.to_owned(),
            changes: Some(changes.into_iter().map(Change::new).collect()),
            ..EntriesPage::new(&visitor, Asked::default())?
        },
        Err(problem) => EntriesPage {
            pasted: text.to_owned(),
            faults: Faults::of(problem)?,
            ..EntriesPage::new(&visitor, Asked::default())?
        },
    };
    page_with(shown.faults.status(), &shown)
}

async fn taken(
    app: &App,
    caller: &Caller,
    text: &str,
    is_trial: bool,
) -> Result<Vec<ChangeView>, Problem> {
    let document: Document = json::parse(text.as_bytes())?;
    if !document.is_of_event_kinds() {
        let detail = "holds other things than event kinds, or none; a whole configuration is applied by `alertwire apply`";
        return Err(Problem::field("", detail));
    }
    Ok(apply(app, caller, document, is_trial, false).await?.changes)
}

impl EntriesPage {
    fn new(visitor: &Visitor, asked: Asked) -> Result<Self, Problem> {
        let caller = &visitor.caller;
        let state = state(&asked);
        let at = PageQuery::new(asked.limit, asked.cursor).or(ROWS);
        let is_later = at.is_later();
        let entries = caller.configuration.event_kinds();
        let found = at.of(entries, |entry: &&Arc<EventKind>| entry.id)?;
        Ok(Self {
            frame: Frame::new(visitor, Here::Catalogue, "Your event kinds", None),
            rows: found
                .items
                .into_iter()
                .map(|entry| Row::new(entry, caller))
                .collect(),
            next: found.next.map(|cursor| state.next(&cursor)),
            is_later,
            files: files(),
            state,
            pasted: String::new(),
            faults: Faults::none(),
            changes: None,
        })
    }
}

fn state(asked: &Asked) -> query::State {
    query::State::new("/catalogue/entries", &[("limit", asked.limit.as_deref())])
}

fn files() -> query::Files {
    state(&Asked::default()).files("/api/v1/catalog/kinds/export")
}

impl Row {
    fn new(entry: &Arc<EventKind>, caller: &Caller) -> Self {
        let view = EventKindView::new(entry, &caller.configuration);
        Self {
            path: path(entry.id),
            code: visible(&entry.code),
            adds: match entry.adds {
                Adds::Kind => "a kind",
                Adds::Wordings => "wordings",
            },
            author: author(&entry.author),
            created: entry.created_at,
            findings: view
                .faults
                .iter()
                .take(FINDINGS)
                .map(|text| visible(text))
                .collect(),
        }
    }
}

impl Change {
    fn new(change: ChangeView) -> Self {
        Self {
            word: match change.action {
                "insert" => "new",
                "remove" => "removed",
                _ => "changed",
            },
            name: visible(&change.name),
        }
    }
}

/// Where an entry is shown.
pub(super) fn path(id: EventKindId) -> String {
    format!("/catalogue/entries/{id}")
}

impl EntriesPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let page = |rows: Vec<Row>, faults, changes| Self {
            frame: Frame::sample(Here::Catalogue),
            state: state(&Asked::default()),
            files: files(),
            next: (!rows.is_empty()).then(|| "/catalogue/entries?cursor=1".to_owned()),
            is_later: rows.is_empty(),
            rows,
            pasted: "</textarea><script>alert(1)</script>".to_owned(),
            faults,
            changes,
        };
        let row = |is_good: bool| Row {
            path: "/catalogue/entries/1".to_owned(),
            code: hostile.to_owned(),
            findings: if is_good {
                Vec::new()
            } else {
                vec![hostile.to_owned()]
            },
            adds: "wordings",
            author: hostile.to_owned(),
            created: Timestamp::from_micros(1_764_122_400_000_000),
        };
        let change = Change {
            word: "new",
            name: hostile.to_owned(),
        };
        vec![
            page(Vec::new(), Faults::none(), None),
            page(
                vec![row(true), row(false)],
                Faults::none(),
                Some(vec![change]),
            ),
            page(
                Vec::new(),
                Faults::field("/event_kinds/0/file", "<script>"),
                None,
            ),
            page(Vec::new(), Faults::none(), Some(Vec::new())),
        ]
    }
}

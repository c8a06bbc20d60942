use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::access::Actor;
use domain::configuration::Configuration;
use serde::Deserialize;
use serde_json::Value;
use store::AuditRow;

use crate::App;
use crate::api::audit::{AuditListQuery, names};
use crate::api::called;
use crate::console::page::ROWS;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, filters, page, query};
use crate::read::{Admin, Query};

/// Most fields of one change that the list shows; the export has all.
const FIELDS: usize = 12;
/// What a change can be of, and what can be done.
const WHATS: [&str; 15] = [
    "company",
    "source",
    "integration",
    "event set",
    "event kind",
    "rule",
    "mapping",
    "silence",
    "key",
    "user",
    "delivery",
    "replay",
    "reread",
    "import",
    "configuration",
];
const ACTIONS: [&str; 13] = [
    "insert", "update", "remove", "check", "switch", "release", "retry", "cancel", "start",
    "pause", "resume", "end", "rollback",
];
/// What going back puts back.
const GOES_BACK: [&str; 8] = [
    "company",
    "source",
    "integration",
    "event set",
    "event kind",
    "rule",
    "mapping",
    "configuration",
];

#[derive(Debug, Template)]
#[template(path = "audit/list.html")]
pub(super) struct AuditPage {
    frame: Frame,
    asked: AuditAsked,
    state: query::State,
    whats: [&'static str; WHATS.len()],
    actions: [&'static str; ACTIONS.len()],
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
    files: query::Files,
}

/// What the URL holds. Parameters that it does not know, such as what a page tells, are left alone.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct AuditAsked {
    what: Option<String>,
    target: Option<String>,
    actor: Option<String>,
    action: Option<String>,
    since: Option<String>,
    until: Option<String>,
    epoch: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug)]
struct Row {
    at: Timestamp,
    actor: String,
    action: String,
    what: String,
    /// Its name, or else its id.
    name: Shown,
    path: Option<String>,
    fields: Vec<Field>,
    /// How many fields more there are.
    more: usize,
    epoch: u64,
    /// The epoch before the change, where it can be gone back to.
    before: Option<u64>,
}

/// A field that changed.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Shown,
    pub(super) old: Option<Shown>,
    pub(super) new: Option<Shown>,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(asked): Query<AuditAsked>,
) -> Page {
    Admin::new(visitor.caller.clone())?;
    let (wanted, at) = asked.query().parse()?;
    let found = app.store().audit(&wanted, &at).await?;
    let state = state(&asked);
    let configuration = &visitor.caller.configuration;
    let mut names = names(&app, &found.items, configuration).await?;
    let row = |row: AuditRow| {
        let name = names.remove(&row.number);
        Row::new(row, name, configuration)
    };
    page(&AuditPage {
        frame: Frame::new(&visitor, Here::Audit, "Audit log", None),
        whats: WHATS,
        actions: ACTIONS,
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later: asked.cursor.as_deref().is_some_and(|text| !text.is_empty()),
        files: state.files("/api/v1/audit/export"),
        state,
        asked,
        rows: found.items.into_iter().map(row).collect(),
    })
}

/// All that the URL holds but the page.
fn state(asked: &AuditAsked) -> query::State {
    let limit = asked.limit.as_deref();
    query::State::new(
        "/audit",
        &[asked.filters().as_slice(), &[("limit", limit)]].concat(),
    )
}

impl AuditAsked {
    fn filters(&self) -> [(&'static str, Option<&str>); 7] {
        [
            ("what", self.what.as_deref()),
            ("target", self.target.as_deref()),
            ("actor", self.actor.as_deref()),
            ("action", self.action.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
            ("epoch", self.epoch.as_deref()),
        ]
    }

    /// The same as the API reads it, which an empty field of a form is none for.
    pub(super) fn query(&self) -> AuditListQuery {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        AuditListQuery {
            what: text(&self.what),
            target: text(&self.target),
            actor: text(&self.actor),
            action: text(&self.action),
            since: text(&self.since),
            until: text(&self.until),
            epoch: text(&self.epoch),
            limit: text(&self.limit).or_else(|| Some(ROWS.to_string())),
            cursor: text(&self.cursor),
        }
    }
}

impl Row {
    fn new(row: AuditRow, name: Option<String>, configuration: &Configuration) -> Self {
        let name = name.as_deref().unwrap_or(&row.id);
        let changes = row.detail["changes"].as_object();
        let more = changes.map_or(0, |all| all.len().saturating_sub(FIELDS));
        let fields = changes.into_iter().flatten().take(FIELDS);
        let fields = fields.map(|(pointer, change)| {
            Field::new(pointer, &change["old"], &change["new"], configuration)
        });
        let goes_back = GOES_BACK.contains(&row.what.as_str())
            && ["insert", "update", "remove", "rollback"].contains(&row.action.as_str());
        Self {
            at: row.at,
            actor: who(&row.actor),
            name: Shown::line(name, ROW),
            path: path(&row),
            fields: fields.collect(),
            more,
            epoch: row.epoch,
            before: row.epoch.checked_sub(1).filter(|_| goes_back),
            action: visible(&row.action),
            what: visible(&row.what),
        }
    }
}

/// The page of what was changed, where it has one and is still there.
fn path(row: &AuditRow) -> Option<String> {
    let room = match row.what.as_str() {
        "company" => "companies",
        "source" => "sources",
        "silence" => "silences",
        "replay" => "replays",
        "reread" => "rereads",
        "import" => "imports",
        "user" => "users",
        "delivery" => "deliveries",
        _ => return None,
    };
    (row.action != "remove").then(|| format!("/{room}/{}", row.id))
}

/// Ids with the names of what they are of: `Acme (0195…)`; none where a value holds anything else.
fn named(value: &Value, configuration: &Configuration) -> Option<String> {
    match value {
        Value::String(id) => called(id, configuration).map(|name| format!("{name} ({id})")),
        Value::Array(ids) if !ids.is_empty() => {
            let each = ids.iter().map(|id| named(id, configuration));
            Some(each.collect::<Option<Vec<_>>>()?.join(", "))
        }
        _ => None,
    }
}

/// Who did it, in words.
fn who(actor: &Actor) -> String {
    match actor {
        Actor::Key { name, .. } => format!("API key {}", visible(name)),
        Actor::User { name, .. } => visible(name),
        Actor::Local => "the command line".to_owned(),
        Actor::System => "Alertwire".to_owned(),
    }
}

impl Field {
    pub(super) fn new(
        pointer: &str,
        old: &Value,
        new: &Value,
        configuration: &Configuration,
    ) -> Self {
        let shown = |value: &Value| {
            let text = match value {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = named(value, configuration).unwrap_or(text);
            Some(Shown::line(&text, ROW))
        };
        Self {
            name: Shown::line(pointer.trim_start_matches('/'), ROW),
            old: shown(old),
            new: shown(new),
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = Value::from("<img src=x onerror=alert(1)>\u{202e}");
        let nothing = Configuration::default();
        let field = |pointer, old: &Value, new: &Value| Self::new(pointer, old, new, &nothing);
        vec![
            field("/name", &hostile, &Value::Null),
            field("/<script>", &Value::Null, &hostile),
            field("/secrets/password", &"set".into(), &"changed".into()),
        ]
    }
}

impl AuditPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let row = |before: Option<u64>| Row {
            at: Timestamp::from_micros(1_764_122_400_000_000),
            actor: visible(hostile),
            action: "update".to_owned(),
            what: "company".to_owned(),
            name: Shown::line(hostile, ROW),
            path: before.map(|_| "/companies/1".to_owned()),
            fields: Field::samples(),
            more: 2,
            epoch: 3,
            before,
        };
        let page = |asked: AuditAsked, rows: Vec<Row>| Self {
            frame: Frame::sample(Here::Audit),
            whats: WHATS,
            actions: ACTIONS,
            files: state(&asked).files("/api/v1/audit/export"),
            state: state(&asked),
            is_later: asked.cursor.is_some(),
            asked,
            next: (!rows.is_empty()).then(|| "/audit?cursor=1".to_owned()),
            rows,
        };
        let narrowed = AuditAsked {
            actor: Some("\"><script>".to_owned()),
            cursor: Some("1".to_owned()),
            ..AuditAsked::default()
        };
        vec![
            page(AuditAsked::default(), vec![row(Some(2)), row(None)]),
            page(AuditAsked::default(), Vec::new()),
            page(narrowed, Vec::new()),
        ]
    }
}

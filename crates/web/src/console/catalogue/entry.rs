//! One entry of the user's: a kind, or wordings for one, as the text of a catalogue file.

use askama::Template;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::kind_path;
use crate::App;
use crate::api::event_kind;
use crate::api::event_kind::create::add as add_entry;
use crate::api::event_kind::{EventKindView, find};
use crate::console::filters;
use crate::console::form::{Faults, read};
use crate::console::page::{page_with, see_told};
use crate::console::silence::author;
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor};
use crate::read::{Admin, Posted, Query};

/// What a new kind begins with.
const KIND: &str = r#"category = "Backups"

[[event]]
code     = "backup.failed"
name     = "Backup Failed"
subject  = "Backup Failed"
severity = "medium"
wording  = "proposed"
body     = "Backup of {hostname:host} failed[ at {timestamp:timestamp}]"

[[event.example]]
body   = "Backup of db-1.corp.example failed at 2024-01-15 10:30:00 UTC"
fields = [{ hostname = "db-1.corp.example", timestamp = "2024-01-15T10:30:00Z" }]
"#;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// Code of the kind that a new entry adds wordings to.
    extends: Option<String>,
    ask: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "catalogue/entry.html")]
pub(super) struct EntryPage {
    frame: Frame,
    /// None is a new one.
    known: Option<Known>,
    file: String,
    faults: Faults,
    asks_remove: bool,
    /// It was checked, and nothing is wrong with it.
    is_good: bool,
}

#[derive(Debug)]
struct Known {
    id: String,
    code: String,
    kind: String,
    adds: &'static str,
    author: String,
    created: domain::Timestamp,
    /// Why it is not part of the catalogue.
    findings: Vec<String>,
}

/// Something that is wrong with the file, and the line that it is about.
#[derive(Debug)]
struct Finding {
    text: String,
    line: Option<String>,
}

pub(super) async fn fresh(visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let catalogue = visitor.caller.configuration.catalogue();
    let kind = asked
        .extends
        .as_deref()
        .and_then(|code| catalogue.kind(code));
    let file = match kind {
        None => KIND.to_owned(),
        Some(kind) => format!(
            "[[extend]]\ncode     = {code:?}\naliases  = []\nvariants = [\n    {body},\n]\n",
            code = kind.code,
            body = json!(kind.body),
        ),
    };
    EntryPage::new(&visitor, None, file, Faults::none()).shown()
}

pub(super) async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    let caller = &visitor.caller;
    let entry = EventKindView::new(find(&id, caller)?, &caller.configuration);
    let file = entry.file.clone();
    let mut shown = EntryPage::new(&visitor, Some(entry), file, Faults::none());
    shown.asks_remove = asked.ask.as_deref() == Some("remove") && shown.frame.may_configure;
    shown.shown()
}

/// Adds an entry, or only checks it.
pub(super) async fn add(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let caller = visitor.admin(&posted)?.0;
    let file = lines(posted.text("file"));
    let is_trial = posted.text("then") == "check";
    let form = read(&json!({"file": file}))?;
    match add_entry(&app, &caller, form.0, is_trial).await {
        Ok(_) if is_trial => EntryPage {
            is_good: true,
            ..EntryPage::new(&visitor, None, file, Faults::none())
        }
        .shown(),
        Ok(entry) => Ok(see_told(&kind_path(&entry.code), Told::Saved)),
        Err(problem) => EntryPage::new(&visitor, None, file, Faults::of(problem)?).shown(),
    }
}

pub(super) async fn change(
    app: State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let caller = &visitor.caller;
    let entry = EventKindView::new(find(&id, caller)?, &caller.configuration);
    let file = lines(posted.text("file"));
    let form = read(&json!({"file": file}))?;
    match event_kind::update::update(app, admin, Path(id), form).await {
        Ok(changed) => Ok(see_told(&kind_path(&changed.0.code), Told::Saved)),
        Err(problem) => EntryPage::new(&visitor, Some(entry), file, Faults::of(problem)?).shown(),
    }
}

pub(super) async fn remove(
    app: State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    event_kind::remove::remove(app, admin, Path(id)).await?;
    Ok(see_told("/catalogue/entries", Told::Removed))
}

/// Browsers send a text's lines ended by CR LF; the file shall stay as it was.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

impl EntryPage {
    fn new(visitor: &Visitor, entry: Option<EventKindView>, file: String, faults: Faults) -> Self {
        let title = match entry {
            Some(_) => "Your entry",
            None => "New entry",
        };
        Self {
            frame: Frame::new(visitor, Here::Catalogue, title, None),
            known: entry.map(Known::new),
            file,
            faults,
            asks_remove: false,
            is_good: false,
        }
    }

    fn shown(&self) -> Page {
        page_with(self.faults.status(), self)
    }

    fn action(&self) -> String {
        match &self.known {
            Some(known) => format!("/catalogue/entries/{}", known.id),
            None => "/catalogue/entries".to_owned(),
        }
    }

    /// What is wrong with the file, each with its line.
    fn findings(&self) -> Vec<Finding> {
        let finding = |text: &str| Finding {
            line: line_of(text).and_then(|number| {
                let line = self.file.lines().nth(number.checked_sub(1)?)?;
                Some(format!("{number} | {}", visible(line)))
            }),
            text: visible(text),
        };
        self.faults.every("/file").map(finding).collect()
    }

    /// Lines that the field shows at once.
    fn rows(&self) -> usize {
        self.file.lines().count().clamp(8, 24) + 2
    }

    fn general(&self) -> Vec<String> {
        self.faults.beside(&["/file"])
    }
}

/// The number of the line that a finding is about: `line 3, column 5: …`.
fn line_of(finding: &str) -> Option<usize> {
    let rest = finding.strip_prefix("line ")?;
    rest.split(',').next()?.parse().ok()
}

impl Known {
    fn new(entry: EventKindView) -> Self {
        Self {
            kind: kind_path(&entry.code),
            adds: match entry.adds {
                "kind" => "an event kind",
                _ => "wordings for an event kind",
            },
            author: author(&entry.author),
            created: entry.created_at,
            findings: entry.faults.iter().map(|text| visible(text)).collect(),
            code: visible(&entry.code),
            id: entry.id,
        }
    }
}

impl EntryPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let page = |is_known: bool, faults| Self {
            frame: Frame::sample(Here::Catalogue),
            known: is_known.then(|| Known {
                id: "1".to_owned(),
                code: "a.b".to_owned(),
                kind: kind_path("a.b"),
                adds: "an event kind",
                author: hostile.to_owned(),
                created: domain::Timestamp::from_micros(1),
                findings: vec![hostile.to_owned()],
            }),
            file: format!("x = 1\n</textarea>{hostile}"),
            faults,
            asks_remove: is_known,
            is_good: !is_known,
        };
        vec![
            page(false, Faults::none()),
            page(true, Faults::none()),
            page(
                false,
                Faults::field("/file", "line 2, column 1: <script>alert(1)</script>"),
            ),
            page(false, Faults::field("", "<script>")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_line() {
        assert_eq!(line_of("line 12, column 5: no"), Some(12));
        assert_eq!(line_of("has at most 3 bytes"), None);
    }
}

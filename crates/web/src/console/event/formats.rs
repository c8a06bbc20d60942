//! An event as others read it: the alert as JSON, and the formats of SIEMs.

use domain::event::Event;
use domain::projection::{Document, Format};
use serde_json::json;

use super::message::Found;
use crate::App;
use crate::api::event::projected::documents;
use crate::console::text::Shown;
use crate::problem::Problem;
use crate::read::Caller;

/// Most documents that a page shows, one a record; the API has all.
const DOCUMENTS: usize = 20;

/// What the event is shown as, and what else it could be.
#[derive(Debug)]
pub(super) struct Formatted {
    /// Each with its word in the URL, its name, and whether it is the one that is shown.
    pub(super) tabs: Vec<(&'static str, &'static str, bool)>,
    pub(super) documents: Vec<Shown>,
    /// There are more than are shown.
    pub(super) more: usize,
    /// Where the API has it.
    pub(super) api: String,
}

const NAMES: [(&str, &str); 5] = [
    ("json", "JSON"),
    ("ecs", "ECS"),
    ("ocsf", "OCSF"),
    ("cef", "CEF"),
    ("leef", "LEEF"),
];

impl Formatted {
    /// A word that is no format is the alert as JSON.
    pub(super) async fn new(
        app: &App,
        caller: &Caller,
        event: &Event,
        message: Option<&Found>,
        word: &str,
    ) -> Result<Self, Problem> {
        let texts = match word.parse::<Format>() {
            Ok(format) => {
                let documents = documents(app, caller, event.clone(), format).await?;
                documents.iter().map(written).collect()
            }
            Err(_) => vec![alert(event, message)],
        };
        let is_known = NAMES.iter().any(|(own, _)| *own == word);
        let word = if is_known { word } else { "json" };
        Ok(Self::of(word, &texts, &event.id.to_string()))
    }

    fn of(word: &str, texts: &[String], id: &str) -> Self {
        let shown = texts.iter().take(DOCUMENTS);
        Self {
            tabs: NAMES.map(|(own, name)| (own, name, own == word)).into(),
            documents: shown.map(|text| Shown::marked(text, Vec::new())).collect(),
            more: texts.len().saturating_sub(DOCUMENTS),
            api: match word {
                "json" => format!("/api/v1/events/{id}"),
                word => format!("/api/v1/events/{id}?as={word}"),
            },
        }
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self::of(
            "ecs",
            &["<script>alert(1)</script>\u{202e}".to_owned()],
            "1",
        )
    }
}

/// The message as it came where it is JSON, else what was made of it.
fn alert(event: &Event, message: Option<&Found>) -> String {
    message.and_then(Found::json).unwrap_or_else(|| {
        let alert = json!({"subject": event.subject, "body": event.body});
        format!("{alert:#}")
    })
}

fn written(document: &Document) -> String {
    match document {
        Document::Object(object) => serde_json::to_string_pretty(object).unwrap_or_default(),
        Document::Line(line) => line.clone(),
    }
}

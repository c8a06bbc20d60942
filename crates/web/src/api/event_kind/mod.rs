//! Event kinds of the user's, and wordings of theirs for other kinds: the entries that extend the catalogue.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use std::sync::Arc;

use domain::access::Actor;
use domain::catalogue::Diagnostic;
use domain::configuration::Configuration;
use domain::event_kind::EventKind;
use domain::{EventKindId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventKindView {
    pub(crate) id: String,
    pub(crate) code: String,
    /// `kind` (the kind itself), or `wordings` (further subjects and wordings of a kind that stands elsewhere).
    #[schema(value_type = String)]
    pub(crate) adds: &'static str,
    /// The text of a catalogue file.
    pub(crate) file: String,
    #[schema(value_type = Object)]
    pub(crate) author: Actor,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// Why it is not part of the catalogue, if it is not: another version of the program may find fault with it.
    pub(crate) faults: Vec<String>,
}

impl EventKindView {
    pub(crate) fn new(kind: &EventKind, configuration: &Configuration) -> Self {
        let name = kind.name();
        let own = |finding: &&Diagnostic| finding.file == name;
        Self {
            id: kind.id.to_string(),
            code: kind.code.clone(),
            adds: kind.adds.as_str(),
            file: kind.file.clone(),
            author: kind.author.clone(),
            created_at: kind.created_at,
            faults: configuration
                .left_out()
                .iter()
                .filter(own)
                .map(told)
                .collect(),
        }
    }
}

/// A finding as one line: `line 3, column 5: … (what to do)`.
pub(in crate::api) fn told(finding: &Diagnostic) -> String {
    let help = finding
        .help
        .as_ref()
        .map_or_else(String::new, |help| format!(" ({help})"));
    format!(
        "line {}, column {}: {}{help}",
        finding.line, finding.column, finding.message
    )
}

/// By id, or by its name among the entries: `backup.failed`, `backup.failed wordings`.
pub(crate) fn find<'a>(text: &str, caller: &'a Caller) -> Result<&'a Arc<EventKind>, Problem> {
    let by_id = text
        .parse::<EventKindId>()
        .ok()
        .and_then(|id| caller.configuration.event_kind(id));
    let by_name = || {
        caller
            .configuration
            .event_kinds()
            .find(|kind| kind.name() == text)
    };
    by_id
        .or_else(by_name)
        .ok_or_else(|| Problem::not_found("event kind of your own"))
}

//! The part of an event that one document tells of: one record, and what is known beside it.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::fields::Fields;
use super::told::{Doubt, Told};
use crate::{Severity, Timestamp};

/// The longest message that is told byte for byte. Of a longer one the body is told, which stands in it.
const RAW_BYTES: usize = 64 * 1024;

/// One record, with all that its document says beside it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) told: &'a Told<'a>,
    /// Its place among several records, from 1.
    pub(super) number: Option<usize>,
    pub(super) fingerprint: String,
    pub(super) severity: Severity,
    /// As the record itself says it.
    pub(super) said_severity: Option<Severity>,
    pub(super) company: Option<&'a str>,
    /// As the record itself says it.
    pub(super) said_company: Option<&'a str>,
    pub(super) occurred: Option<Timestamp>,
    /// The time as the body writes it.
    pub(super) original_time: Option<&'a str>,
    /// The certain ones, but for what the members above tell already.
    pub(super) fields: Fields<'a>,
    pub(super) doubts: Vec<Doubt<'a>>,
    /// Whether its document has the text that was read; of very many records only the first has.
    pub(super) tells_text: bool,
    /// How it was read, when that is not all well.
    pub(super) marks: Vec<(&'static str, Json)>,
}

impl<'a> Part<'a> {
    /// What the event speaks of; empty when that is unknown.
    pub(super) fn class(&self) -> &'a str {
        self.told.kind.map_or("", |kind| &kind.class)
    }

    /// What happened to it; empty when that is unknown.
    pub(super) fn action(&self) -> &'a str {
        self.told.kind.map_or("", |kind| &kind.action)
    }

    /// Nobody said how grave it is, so it is as grave as its kind.
    pub(super) fn is_default_severity(&self) -> bool {
        let kind = self.told.kind;
        self.told.is_severity_unsaid && kind.is_some_and(|kind| kind.severity == self.severity)
    }

    pub(super) fn time(&self) -> Timestamp {
        self.occurred.unwrap_or(self.told.received_at)
    }

    /// The document's own id: the event's, with the number of the record when there are several.
    pub(super) fn uid(&self) -> Option<String> {
        let id = self.told.id?;
        Some(match self.number {
            None => id.to_string(),
            Some(number) => format!("{id}.{number}"),
        })
    }

    pub(super) fn event_uid(&self) -> Option<String> {
        self.told.id.map(|id| id.to_string())
    }

    pub(super) fn company_uid(&self) -> Option<String> {
        self.told.company_id.map(|id| id.to_string())
    }

    /// The body, where the document is to have it.
    pub(super) fn body(&self) -> Option<&'a str> {
        Some(self.told.body).filter(|_| self.tells_text)
    }

    /// The text that it was read from: the whole message where that is one alert and not too long, else the body.
    pub(super) fn original(&self) -> Option<Original<'a>> {
        self.tells_text.then(|| self.whole_or_body())
    }

    fn whole_or_body(&self) -> Original<'a> {
        let whole = self
            .told
            .origin
            .and_then(|origin| origin.raw)
            .filter(|raw| raw.len() <= RAW_BYTES)
            .and_then(|raw| std::str::from_utf8(raw).ok());
        Original {
            text: whole.unwrap_or(self.told.body),
            message_sha256: match (whole, self.told.origin) {
                (None, Some(origin)) => Some(hex(&origin.sha256)),
                _ => None,
            },
        }
    }
}

/// A text, and the hash of the message that it is only a part of.
#[derive(Debug)]
pub(super) struct Original<'a> {
    pub(super) text: &'a str,
    pub(super) message_sha256: Option<String>,
}

impl Original<'_> {
    /// Of the text that is told, so that whoever has the document can check it.
    pub(super) fn sha256(&self) -> String {
        hex(&Sha256::digest(self.text))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

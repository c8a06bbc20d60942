//! Events in the words of others: OCSF 1.8, ECS 9, CEF and LEEF, as pure functions by the class of the kind.
//!
//! Each record of an event is a document of its own, for a SIEM line speaks of one thing; an event without records is one
//! document. What a class has no place for survives as *unmapped*, a field that two readings disagree on is never told
//! as a fact, and nothing is made up: where the time of the event is unknown, the time of its receipt stands in, marked so.
//!
//! Start reading at [`project`], then `told` and `part` (what the formats are told), then one format. `docs/projections.md` has the table.

mod told;

mod part;

mod cef;
mod ecs;
mod leef;
mod ocsf;

mod fields;

use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::Timestamp;
use crate::catalogue::{AlertReading, Decode};
use crate::configuration::Configuration;
use crate::event::Event;

use part::Part;
use told::Told;

/// Who tells: vendor and product of each document.
const PRODUCT: &str = "Alertwire";

/// What stands where a header wants a name and there is none.
const UNKNOWN: &str = "unknown";

/// A format that others read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Ocsf,
    Ecs,
    Cef,
    Leef,
}

/// The text names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a format is one of ocsf, ecs, cef, leef")]
pub struct NotAFormat;

impl Format {
    pub const ALL: [Self; 4] = [Self::Ocsf, Self::Ecs, Self::Cef, Self::Leef];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocsf => "ocsf",
            Self::Ecs => "ecs",
            Self::Cef => "cef",
            Self::Leef => "leef",
        }
    }

    /// Its documents are JSON objects rather than lines of text.
    #[must_use]
    pub fn is_json(self) -> bool {
        matches!(self, Self::Ocsf | Self::Ecs)
    }
}

impl FromStr for Format {
    type Err = NotAFormat;

    fn from_str(text: &str) -> Result<Self, NotAFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or(NotAFormat)
    }
}

/// What one record of an event is in a format. Written, it is one line.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Object(Json),
    Line(String),
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => object.fmt(f),
            Self::Line(line) => f.write_str(line),
        }
    }
}

/// What a document says of an event beyond what the event holds.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    pub configuration: &'a Configuration,
    /// The release of Alertwire that tells.
    pub version: &'a str,
    /// The message that the event came in; projections of many events do without.
    pub origin: Option<Origin<'a>>,
}

/// The message that an alert came in.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub sha256: [u8; 32],
    /// The sender's own id.
    pub webhook_id: Option<&'a str>,
    /// Its bytes. Only when it holds this one alert, or whoever reads the document may see the other alerts as well.
    pub raw: Option<&'a [u8]>,
}

impl<'a> Origin<'a> {
    /// Of a payload that is not stored. Of several alerts none is told with the bytes of all.
    #[must_use]
    pub fn of_payload(payload: &'a [u8], is_array: bool) -> Self {
        Self {
            sha256: Sha256::digest(payload).into(),
            webhook_id: None,
            raw: (!is_array).then_some(payload),
        }
    }
}

/// What there is to know of an alert that was read and not stored.
#[derive(Debug, Clone, Copy)]
pub struct Unstored<'a> {
    pub decode: Decode,
    /// Said by whoever asks; else the body's own word is taken, for here it decides nothing.
    pub company: Option<&'a str>,
    pub read_at: Timestamp,
    pub version: &'a str,
    pub origin: Option<Origin<'a>>,
}

/// The documents of an event, one a record.
#[must_use]
pub fn project(format: Format, event: &Event, names: &Names<'_>) -> Vec<Document> {
    documents(format, &Told::of_event(event, names))
}

/// The documents of an alert that was only read: without ids of ours, received when it was read.
#[must_use]
pub fn project_alert(
    format: Format,
    alert: &AlertReading<'_>,
    unstored: &Unstored<'_>,
) -> Vec<Document> {
    documents(format, &Told::of_alert(alert, unstored))
}

fn documents(format: Format, told: &Told<'_>) -> Vec<Document> {
    let document = |part: Part<'_>| match format {
        Format::Ocsf => Document::Object(ocsf::document(&part)),
        Format::Ecs => Document::Object(ecs::document(&part)),
        Format::Cef => Document::Line(cef::line(&part)),
        Format::Leef => Document::Line(leef::line(&part)),
    };
    told.parts().map(document).collect()
}

/// Severities as CEF and LEEF number them; ECS, which leaves the scale open, has the same numbers.
fn severity_of_ten(severity: crate::Severity) -> u8 {
    match severity {
        crate::Severity::Info => 1,
        crate::Severity::Low => 3,
        crate::Severity::Medium => 5,
        crate::Severity::High => 8,
        crate::Severity::Critical => 10,
    }
}

/// The text, when there is any.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

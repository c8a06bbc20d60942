//! What jobs are asked for alike.

use serde::Deserialize;
use serde_json::{Value, json};

/// The keys of a list of events, by which events are named.
pub(super) const EVENTS: [&str; 16] = [
    "text",
    "event",
    "category",
    "company",
    "source",
    "severity",
    "routing",
    "match",
    "decode",
    "since",
    "until",
    "journal",
    "fingerprint",
    "silence",
    "repeated",
    "filter",
];

/// What is asked on the page of a job.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ask {
    pub(super) ask: Option<String>,
}

/// A figure of a form. One that is none stays a text, so that the API says what is wrong with it.
pub(super) fn figure(text: &str) -> Value {
    let number = text.trim().parse::<u64>();
    number.map_or_else(|_| json!(text), |number| json!(number))
}

//! What replays and re-readings are asked for alike.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::problem::Problem;

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

/// What an order to a job came to. A job that has ended meanwhile is no fault: its page says so.
pub(super) fn obeyed<T>(given: Result<T, Problem>) -> Result<(), Problem> {
    match given {
        Err(problem) if problem.status() != StatusCode::CONFLICT => Err(problem),
        _ => Ok(()),
    }
}

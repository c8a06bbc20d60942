//! One attempt as the page of a delivery shows it.

use domain::Timestamp;
use serde_json::Value;
use store::Attempt;

use super::took;
use crate::console::help::remedy;
use crate::console::text::{Shown, WHOLE, visible};

/// Width of the bar of times.
const WIDTH: f64 = 1_000.0;
/// The parts of an exchange, in their order, each with what it is called.
const PARTS: [(&str, &str); 4] = [
    ("dns", "DNS"),
    ("connect", "Connect"),
    ("tls", "TLS"),
    ("first_byte", "First byte"),
];

#[derive(Debug)]
pub(super) struct AttemptRow {
    pub(super) number: u32,
    pub(super) started: Timestamp,
    pub(super) took: String,
    pub(super) outcome: String,
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) cause: Option<String>,
    pub(super) detail: Option<Shown>,
    pub(super) remedy: Option<&'static str>,
    pub(super) status: Option<u16>,
    pub(super) address: Option<String>,
    pub(super) times: Vec<Part>,
    pub(super) request: Vec<(String, Shown)>,
    pub(super) response: Vec<(String, Shown)>,
    pub(super) body: Shown,
}

/// A part of the time that an exchange took: a figure, and a piece of the bar.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) time: String,
    pub(super) from: u32,
    pub(super) width: u32,
}

impl AttemptRow {
    pub(super) fn new(attempt: Attempt) -> Self {
        let (class, glyph) = match attempt.outcome.as_str() {
            "delivered" => ("good", "✓"),
            "held" => ("held", "‖"),
            _ => ("bad", "✕"),
        };
        let cause = attempt.cause;
        let headers = |lines: Vec<(String, String)>| {
            lines
                .into_iter()
                .map(|(name, value)| (visible(&name), Shown::line(&value, WHOLE)))
                .collect()
        };
        Self {
            number: attempt.number,
            started: attempt.started_at,
            took: took(attempt.duration_micros),
            class,
            glyph,
            remedy: cause
                .as_deref()
                .and_then(|cause| remedy(cause, attempt.status_code)),
            detail: attempt.detail.map(|text| Shown::line(&text, WHOLE)),
            cause: cause.as_deref().map(visible),
            outcome: attempt.outcome,
            status: attempt.status_code,
            address: attempt.address,
            times: times(&attempt.timings),
            request: headers(attempt.request_headers),
            response: headers(attempt.response_headers),
            body: Shown::marked(&attempt.response_body, Vec::new()),
        }
    }
}

/// The parts that an attempt has figures of, one after another; what is left to the end is the reading of the answer.
fn times(timings: &Value) -> Vec<Part> {
    let figure = |name: &str| timings.get(name).and_then(Value::as_f64);
    let Some(total) = figure("total").filter(|total| *total > 0.0) else {
        return Vec::new();
    };
    let mut times = Vec::new();
    let mut at = 0.0;
    let mut push = |class, word, millis: f64| {
        let place = |millis: f64| (millis / total * WIDTH).clamp(0.0, WIDTH).round() as u32;
        let from = place(at);
        at += millis;
        times.push(Part {
            class,
            word,
            time: took((millis * 1_000.0) as u64),
            from,
            width: place(at).saturating_sub(from).max(1),
        });
    };
    let mut known = 0.0;
    for (class, word) in PARTS {
        if let Some(millis) = figure(class) {
            push(class, word, millis);
            known += millis;
        }
    }
    push("rest", "Rest", (total - known).max(0.0));
    times
}

/// The figures by their words, for what sets two attempts side by side.
pub(super) fn figures(timings: &Value) -> Vec<(&'static str, String)> {
    let parts = times(timings).into_iter();
    parts.map(|part| (part.word, part.time)).collect()
}

#[cfg(test)]
impl AttemptRow {
    pub(super) fn sample(number: u32, hostile: &str) -> Self {
        let shown = || Shown::line(hostile, WHOLE);
        let lines = || vec![(visible(hostile), shown())];
        Self {
            number,
            started: Timestamp::from_micros(1),
            took: "12 ms".to_owned(),
            outcome: "failed".to_owned(),
            class: "bad",
            glyph: "✕",
            cause: Some(delivery::Cause::Dns.class().to_owned()),
            detail: Some(shown()),
            remedy: Some(delivery::Cause::Dns.remedy()),
            status: Some(500),
            address: Some("192.0.2.1:443".to_owned()),
            times: times(&serde_json::json!({"dns": 1.0, "total": 4.0})),
            request: lines(),
            response: lines(),
            body: shown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_parts_of_a_bar_lie_one_after_another() {
        let parts = times(
            &json!({"dns": 1.0, "connect": 2.0, "tls": 3.0, "first_byte": 4.0, "total": 20.0}),
        );
        let places: Vec<_> = parts.iter().map(|part| (part.from, part.width)).collect();
        let expected = [(0, 50), (50, 100), (150, 150), (300, 200), (500, 500)];
        assert_eq!(places, expected);
        assert_eq!(parts[1].time, "2 ms");
        assert!(times(&json!({})).is_empty());
        let odd = times(&json!({"dns": 9.0, "total": 1.0}));
        assert!(odd.iter().all(|part| part.from <= 1_000));
    }
}

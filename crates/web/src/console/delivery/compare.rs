//! Two attempts of a delivery side by side: what is different is marked by a word and by colour.

use std::collections::BTreeMap;

use store::Attempt;

use super::attempt::figures;
use super::took;
use crate::console::text::{Shown, WHOLE, visible};

/// Two attempts, by number.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) lines: Vec<Line>,
    /// How many of them differ.
    pub(super) different: usize,
}

/// One thing that both may have.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) part: String,
    pub(super) left: Option<Shown>,
    pub(super) right: Option<Shown>,
    pub(super) is_different: bool,
    /// What is different, in words; empty where nothing is.
    pub(super) word: &'static str,
}

/// The two numbers of `2,5`.
pub(super) fn numbers<'a>(values: impl Iterator<Item = &'a str>) -> Option<(u32, u32)> {
    let mut numbers = values
        .flat_map(|value| value.split(','))
        .map(|number| number.trim().parse().ok());
    let pair = (numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && pair.0 != pair.1).then_some(pair)
}

impl Compared {
    /// None when one of the two is not there.
    pub(super) fn new(attempts: &[Attempt], (left, right): (u32, u32)) -> Option<Self> {
        let find = |number| attempts.iter().find(|attempt| attempt.number == number);
        let (one, other) = (parts(find(left)?), parts(find(right)?));
        let mut names: Vec<&String> = one.iter().map(|(name, _)| name).collect();
        for (name, _) in &other {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let value = |of: &[(String, String)], name: &str| {
            let found = of.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.clone())
        };
        let line = |name: &String| Line::new(name, value(&one, name), value(&other, name));
        let lines: Vec<_> = names.into_iter().map(line).collect();
        Some(Self {
            left,
            right,
            different: lines.iter().filter(|line| line.is_different).count(),
            lines,
        })
    }
}

impl Line {
    fn new(part: &str, left: Option<String>, right: Option<String>) -> Self {
        let word = match (&left, &right) {
            (Some(left), Some(right)) if left == right => "",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "left alone",
            (None, _) => "right alone",
        };
        let shown = |text: String| Shown::marked(&text, Vec::new());
        Self {
            part: visible(part),
            left: left.map(shown),
            right: right.map(shown),
            is_different: !word.is_empty(),
            word,
        }
    }
}

/// All that can be compared of an attempt, in the order in which it is shown.
fn parts(attempt: &Attempt) -> Vec<(String, String)> {
    let mut parts = vec![
        ("Outcome".to_owned(), attempt.outcome.clone()),
        (
            "Code".to_owned(),
            attempt
                .status_code
                .map_or_else(|| "none".to_owned(), |code| code.to_string()),
        ),
    ];
    let some = [
        ("Cause", &attempt.cause),
        ("Detail", &attempt.detail),
        ("Address", &attempt.address),
    ];
    let some = some
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    parts.extend(some);
    parts.push(("Took".to_owned(), took(attempt.duration_micros)));
    let times = figures(&attempt.timings).into_iter();
    parts.extend(times.map(|(word, time)| (format!("Time: {word}"), time)));
    parts.extend(headers("Request", &attempt.request_headers));
    parts.extend(headers("Answer", &attempt.response_headers));
    if !attempt.response_body.is_empty() {
        let body = attempt.response_body.chars().take(WHOLE).collect();
        parts.push(("Answer: body".to_owned(), body));
    }
    parts
}

/// Headers by name, for their order means nothing.
fn headers(of: &str, lines: &[(String, String)]) -> Vec<(String, String)> {
    let mut headers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in lines {
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        values.push(value);
    }
    let header = |(name, values): (String, Vec<&str>)| (format!("{of}: {name}"), values.join(", "));
    headers.into_iter().map(header).collect()
}

#[cfg(test)]
impl Compared {
    pub(super) fn sample(hostile: &str) -> Self {
        let some = || Some(hostile.to_owned());
        Self {
            left: 1,
            right: 2,
            lines: vec![
                Line::new(hostile, some(), some()),
                Line::new("Code", some(), Some("200".to_owned())),
                Line::new("Cause", some(), None),
                Line::new("Detail", None, some()),
            ],
            different: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{AttemptId, DeliveryId, Timestamp};
    use serde_json::json;

    use super::*;

    fn attempt(number: u32, code: u16, header: (&str, &str)) -> Attempt {
        Attempt {
            id: AttemptId::from_bytes([1; 16]),
            delivery: DeliveryId::from_bytes([2; 16]),
            number,
            started_at: Timestamp::from_micros(1),
            duration_micros: 12_000,
            outcome: "failed".to_owned(),
            cause: None,
            detail: None,
            status_code: Some(code),
            address: None,
            timings: json!({}),
            request_headers: vec![(header.0.to_owned(), header.1.to_owned())],
            response_headers: Vec::new(),
            response_body: String::new(),
        }
    }

    #[test]
    fn only_what_differs_is_marked() {
        let attempts = [
            attempt(1, 500, ("X-Same", "1")),
            attempt(2, 503, ("x-same", "1")),
            attempt(3, 503, ("X-Other", "1")),
        ];
        let marked = |pair| {
            let compared = Compared::new(&attempts, pair).unwrap();
            let lines = compared.lines.into_iter().filter(|line| line.is_different);
            lines.map(|line| (line.part, line.word)).collect::<Vec<_>>()
        };
        assert_eq!(marked((1, 2)), [("Code".to_owned(), "changed")]);
        let headers = [
            ("Request: x-same".to_owned(), "left alone"),
            ("Request: x-other".to_owned(), "right alone"),
        ];
        assert_eq!(marked((2, 3)), headers);
        assert!(Compared::new(&attempts, (1, 9)).is_none());
    }

    #[test]
    fn two_numbers_are_read_from_one_value_or_from_two() {
        assert_eq!(numbers(["2,5"].into_iter()), Some((2, 5)));
        assert_eq!(numbers(["2", "5"].into_iter()), Some((2, 5)));
        for bad in ["", "2", "2,2", "2,x", "1,2,3"] {
            assert_eq!(numbers([bad].into_iter()), None, "{bad}");
        }
    }
}

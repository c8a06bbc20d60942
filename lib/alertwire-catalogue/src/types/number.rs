//! Numbers: plain ones, ports and CVE ids.

use super::{Meaning, ends_word};
use crate::value::Value;

/// The protocols that may stand behind a port.
pub(super) const PROTOCOLS: [&str; 4] = ["tcp", "udp", "sctp", "icmp"];

const LONGEST_ADVISORY: usize = 64;

/// Digits of the longest number that is exact as a decimal.
const LONGEST_DECIMAL: usize = 15;

fn digits(text: &[u8], at: usize, most: usize) -> usize {
    text.get(at..).map_or(0, |rest| {
        rest.iter()
            .take(most)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    })
}

/// `443`, `443/tcp`.
pub(super) fn scan_port(text: &[u8], at: usize) -> Option<usize> {
    let length = digits(text, at, 6);
    let number = text[at..at + length]
        .iter()
        .fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    if length == 0 || length > 5 || !(1..=65_535).contains(&number) {
        return None;
    }
    let end = at + length;
    if text.get(end) == Some(&b'/') {
        if let Some(protocol) = PROTOCOLS.iter().find(|protocol| {
            let behind = end + 1 + protocol.len();
            text.get(end + 1..behind)
                .is_some_and(|found| found.eq_ignore_ascii_case(protocol.as_bytes()))
                && ends_word(text, behind)
        }) {
            return Some(end + 1 + protocol.len());
        }
        return None;
    }
    ends_word(text, end).then_some(end)
}

pub(super) fn port_meaning(text: &str) -> Meaning {
    let (number, protocol) = text
        .split_once('/')
        .map_or((text, None), |(number, protocol)| (number, Some(protocol)));
    Meaning {
        value: number.parse().ok().map(Value::Int),
        protocol: protocol.and_then(canonical_protocol),
        assumed_utc: false,
    }
}

pub(super) fn canonical_protocol(text: &str) -> Option<&'static str> {
    PROTOCOLS
        .into_iter()
        .find(|protocol| protocol.eq_ignore_ascii_case(text))
}

/// `CVE-2021-44228`.
pub(super) fn scan_cve(text: &[u8], at: usize) -> Option<usize> {
    if !text.get(at..at + 4)?.eq_ignore_ascii_case(b"cve-")
        || digits(text, at + 4, 5) != 4
        || text.get(at + 8) != Some(&b'-')
    {
        return None;
    }
    let number = digits(text, at + 9, 20);
    let end = at + 9 + number;
    ((4..=19).contains(&number) && ends_word(text, end)).then_some(end)
}

/// A CVE id, or an id such as `GHSA-jfh8-c2jp-5v3q`, `RHSA-2023:1234`, `MS17-010`. What begins like a CVE id and is
/// none was cut off, and is no id.
pub(super) fn scan_advisory(text: &[u8], at: usize) -> Option<usize> {
    if let Some(end) = scan_cve(text, at) {
        return Some(end);
    }
    let is_part =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
    let mut end = at
        + text
            .get(at..)?
            .iter()
            .take(LONGEST_ADVISORY + 1)
            .take_while(is_part)
            .count();
    while end > at && !text[end - 1].is_ascii_alphanumeric() {
        end -= 1;
    }
    let id = &text[at..end];
    let begins = id.first().is_some_and(u8::is_ascii_alphabetic)
        && !id
            .get(..3)
            .is_some_and(|front| front.eq_ignore_ascii_case(b"cve"));
    let fits = begins && id.len() <= LONGEST_ADVISORY && id.iter().any(u8::is_ascii_digit);
    (fits && ends_word(text, end)).then_some(end)
}

/// CVE ids in upper case, others as written.
pub(super) fn canonical_advisory(text: &str) -> String {
    if scan_cve(text.as_bytes(), 0).is_some() {
        text.to_ascii_uppercase()
    } else {
        text.to_owned()
    }
}

pub(super) fn scan_int(text: &[u8], at: usize) -> Option<usize> {
    let sign = usize::from(text.get(at) == Some(&b'-'));
    let length = digits(text, at + sign, 19);
    let end = at + sign + length;
    ((1..=18).contains(&length) && ends_word(text, end)).then_some(end)
}

pub(super) fn int_meaning(text: &str) -> Meaning {
    Meaning {
        value: text.parse().ok().map(Value::Int),
        ..Meaning::default()
    }
}

pub(super) fn scan_decimal(text: &[u8], at: usize) -> Option<usize> {
    let sign = usize::from(text.get(at) == Some(&b'-'));
    let whole = digits(text, at + sign, LONGEST_DECIMAL + 1);
    let mut end = at + sign + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(text, end + 1, LONGEST_DECIMAL + 1);
        if fraction > 0 {
            end += 1 + fraction;
        }
    }
    (whole > 0 && whole + fraction <= LONGEST_DECIMAL && ends_word(text, end)).then_some(end)
}

pub(super) fn decimal_meaning(text: &str) -> Meaning {
    Meaning {
        value: text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(|number| Value::Decimal(number + 0.0)),
        ..Meaning::default()
    }
}

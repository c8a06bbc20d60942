//! The rendered pair subject + body as it travels: its exact bytes and the headers that say the rest.
//!
//! A delivery's bytes are made here once and never again (decisions.md 4).

use std::borrow::Cow;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::catalogue::{Catalogue, Record};
use crate::configuration::Configuration;
use crate::event::{Event, Match};

/// Most instances that `alertwire-via` lists; older ones fall off.
pub const VIA: usize = 8;
/// The header in which passed instances travel.
pub const VIA_HEADER: &str = "alertwire-via";
/// The header in which the truth of neutralised values travels.
pub const FIELDS_HEADER: &str = "alertwire-fields";

/// The bytes of `{"subject": …, "body": …}` with their hash, and the headers beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub body: Vec<u8>,
    pub headers: Vec<(String, String)>,
    /// SHA-256 of `body`, checked before each send.
    pub hash: [u8; 32],
}

#[derive(Serialize)]
struct Envelope<'a> {
    subject: &'a str,
    body: &'a str,
}

impl Alert {
    /// The alert of one event. `fields` is the `alertwire-fields` value where rendering had to neutralise something.
    #[must_use]
    pub fn of_event(event: &Event, fields: Option<&str>, configuration: &Configuration) -> Self {
        let headers = headers(event, event.severity.as_str(), fields, configuration);
        Self::new(&event.subject, &event.body, headers)
    }

    /// One alert of several events of one kind: rendered anew from all their records when every one was read in full
    /// and with certainty, else their bodies one below the other. The events must not be empty.
    #[must_use]
    pub fn of_events(events: &[Event], configuration: &Configuration) -> Option<Self> {
        let catalogue = configuration.catalogue();
        let first = events.first()?;
        if events.len() == 1 {
            let fields = fields_of(first, catalogue);
            return Some(Self::of_event(first, fields.as_deref(), configuration));
        }
        let severity = events.iter().map(|event| event.severity).max()?.as_str();
        if let Some(rendered) = render_together(events, catalogue) {
            let headers = headers(
                first,
                severity,
                rendered.fields_header.as_deref(),
                configuration,
            );
            return Some(Self::new(&rendered.subject, &rendered.body, headers));
        }
        let body = events
            .iter()
            .map(|event| event.body.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        Some(Self::new(
            &first.subject,
            &body,
            headers(first, severity, None, configuration),
        ))
    }

    fn new(subject: &str, body: &str, headers: Vec<(String, String)>) -> Self {
        let mut bytes = Vec::with_capacity(subject.len() + body.len() + 32);
        serde_json::to_writer(&mut bytes, &Envelope { subject, body })
            .expect("two strings are always JSON");
        let hash = Sha256::digest(&bytes).into();
        Self {
            body: bytes,
            headers,
            hash,
        }
    }
}

/// The `alertwire-fields` value of a stored event, which does not keep it: what rendering its records again says, when that
/// gives the very text that the event has.
#[must_use]
pub fn fields_of(event: &Event, catalogue: &Catalogue) -> Option<String> {
    let rendered = render_together(std::slice::from_ref(event), catalogue)?;
    let same = rendered.subject == event.subject && rendered.body == event.body;
    rendered.fields_header.filter(|_| same)
}

fn render_together(events: &[Event], catalogue: &Catalogue) -> Option<crate::catalogue::Rendered> {
    let kind = events.first()?.kind.as_deref()?;
    let certain = |event: &Event| {
        event.kind.as_deref() == Some(kind)
            && event.reading.matched == Match::Full
            && event.reading.ambiguous.is_empty()
    };
    if !events.iter().all(certain) {
        return None;
    }
    let records: Vec<Record> = events
        .iter()
        .flat_map(|event| event.reading.records.iter().cloned())
        .collect();
    catalogue.render(kind, &records).ok()
}

fn headers(
    event: &Event,
    severity: &str,
    fields: Option<&str>,
    configuration: &Configuration,
) -> Vec<(String, String)> {
    let mut headers = Vec::with_capacity(7);
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
    if let Some(kind) = &event.kind {
        add("alertwire-event", kind.clone());
    }
    add("alertwire-severity", severity.to_owned());
    if let Some(company) = event.company.and_then(|id| configuration.company(id)) {
        add(
            "alertwire-company",
            percent_encode(&company.name).into_owned(),
        );
    }
    if let Some(occurred) = event.occurred_at {
        add("alertwire-occurred-at", occurred.to_string());
    }
    add(VIA_HEADER, via(&event.via, &configuration.instance));
    if let Some(fields) = fields {
        add(FIELDS_HEADER, fields.to_owned());
    }
    add("traceparent", traceparent(event));
    headers
}

fn via(passed: &[String], instance: &str) -> String {
    let kept = &passed[passed.len().saturating_sub(VIA - 1)..];
    let mut text = String::with_capacity(40 * (kept.len() + 1));
    for id in kept {
        text.push_str(id);
        text.push_str(", ");
    }
    text.push_str(instance);
    text
}

/// The instances that an `alertwire-via` value lists, at most [`VIA`]; what is no plausible id is left out.
#[must_use]
pub fn read_via(value: &str) -> Vec<String> {
    value
        .split(',')
        .map(str::trim)
        .filter(|id| {
            !id.is_empty()
                && id.len() <= 64
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
        .take(VIA)
        .map(str::to_owned)
        .collect()
}

/// W3C Trace Context: the trace is the event's id, so that all attempts of all its deliveries share it.
/// The span given here is replaced by one of each attempt.
fn traceparent(event: &Event) -> String {
    let id = event.id.to_bytes();
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    push_hex(&mut text, &id);
    text.push('-');
    push_hex(&mut text, &id[8..]);
    text.push_str("-01");
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
#[must_use]
pub fn percent_encode(text: &str) -> Cow<'_, str> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(unreserved) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(encoded)
}

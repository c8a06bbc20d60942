//! The Common Event Format, version 0: a header of seven parts and `key=value` pairs, one line.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use super::ecs::is_exploited;
use super::fields::{Fields, Host, is_cve};
use super::part::Part;
use super::{PRODUCT, UNKNOWN, severity_of_ten, some};

/// The places for what CEF has no key for, each with a label of its own: six and two.
const SLOTS: [&str; 8] = [
    "cs1",
    "cs2",
    "cs3",
    "cs4",
    "cs5",
    "cs6",
    "flexString1",
    "flexString2",
];

pub(super) fn line(part: &Part<'_>) -> String {
    let mut line = Line::new(part);
    line.common(part);
    let mut fields = part.fields.clone();
    match part.class() {
        "asset" => line.host(&Host::take(&mut fields)),
        "port" => line.port(&mut fields),
        "vulnerability" => line.vulnerability(part, &mut fields),
        "problem" | "solution" | "certificate" => line.finding(part, &mut fields),
        "login" => line.login(part, &mut fields),
        "session" => line.actor("duser", &mut fields),
        "account" => line.account(&mut fields),
        "audit" => line.actor("suser", &mut fields),
        "job" => line.job(part, &mut fields),
        "agent" => line.host(&Host::take(&mut fields)),
        _ => {}
    }
    line.rest(part, &fields);
    line.text
}

/// A line in the making.
struct Line {
    text: String,
    /// The slots that are taken.
    taken: [bool; SLOTS.len()],
    /// Nothing stands behind the header yet.
    is_bare: bool,
}

impl Line {
    fn new(part: &Part<'_>) -> Self {
        let told = part.told;
        let mut text = String::from("CEF:0");
        for item in [
            PRODUCT,
            PRODUCT,
            told.version,
            told.code.unwrap_or(UNKNOWN),
            some(told.subject).unwrap_or(UNKNOWN),
        ] {
            text.push('|');
            push_header(&mut text, item);
        }
        let _ = write!(text, "|{}|", severity_of_ten(part.severity));
        Self {
            text,
            taken: [false; SLOTS.len()],
            is_bare: true,
        }
    }

    fn push(&mut self, key: &str, value: impl ToString) {
        if !std::mem::take(&mut self.is_bare) {
            self.text.push(' ');
        }
        self.text.push_str(key);
        self.text.push('=');
        push_value(&mut self.text, &value.to_string());
    }

    fn push_some(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.push(key, value);
        }
    }

    fn slot(&mut self, slot: usize, label: &str, value: impl ToString) {
        let key = SLOTS[slot];
        self.push(key, value);
        self.push(&format!("{key}Label"), label);
        self.taken[slot] = true;
    }

    fn common(&mut self, part: &Part<'_>) {
        let told = part.told;
        self.push("rt", millis(told.received_at));
        self.push_some("end", part.occurred.map(millis));
        self.push_some("externalId", part.uid());
        self.push_some("cat", told.category);
        if told.count > 1 {
            self.push("cnt", told.count);
        }
        self.push_some("customerURI", part.company);
        self.push_some("customerExternalID", part.company_uid());
    }

    /// Addresses of the sixth version have places of their own, with a label.
    fn address(&mut self, key: &str, long: (&str, &str), ip: Option<IpAddr>) {
        match ip {
            Some(IpAddr::V4(ip)) => self.push(key, ip),
            Some(IpAddr::V6(ip)) => {
                self.push(long.0, ip);
                self.push(&format!("{}Label", long.0), long.1);
            }
            None => {}
        }
    }

    fn host(&mut self, host: &Host<'_>) {
        self.address("dst", ("c6a3", "Destination IPv6 Address"), host.ip);
        self.push_some("dhost", host.hostname);
        self.push_some("dmac", host.mac);
    }

    fn port(&mut self, fields: &mut Fields<'_>) {
        self.host(&Host::take_scanned(fields));
        self.push_some("dpt", fields.port("port"));
        self.push_some("proto", fields.text("protocol"));
    }

    fn vulnerability(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.host(&Host::take(fields));
        self.push("deviceExternalId", &part.fingerprint);
        if let Some(id) = fields.text("vul_id") {
            let label = if is_cve(id) { "cve" } else { "advisory" };
            self.slot(0, label, id);
        }
        if let Some(product) = fields.text("product") {
            self.slot(1, "affectedProduct", product);
        }
        if is_exploited(part.action()) {
            self.slot(2, "kev", true);
        }
        if let Some(epss) = fields.number("epss") {
            self.push("cfp1", epss);
            self.push("cfp1Label", "epss");
        }
    }

    fn finding(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.port(fields);
        self.push("deviceExternalId", &part.fingerprint);
        if let Some(product) = fields.text("product") {
            self.slot(1, "affectedProduct", product);
        }
        self.push_some("reason", fields.text("problem"));
    }

    /// Who did it, from where, against which service.
    fn actor(&mut self, key: &str, fields: &mut Fields<'_>) {
        self.push_some(key, fields.text("user"));
        self.address("src", ("c6a2", "Source IPv6 Address"), fields.ip("ip"));
        self.push_some("destinationServiceName", fields.text("service"));
    }

    fn login(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.actor("duser", fields);
        match part.action() {
            "login-failure" => self.push("outcome", "failure"),
            "login-success" => self.push("outcome", "success"),
            _ => {}
        }
    }

    /// Where one user is named alone, it is the one whose account changed.
    fn account(&mut self, fields: &mut Fields<'_>) {
        let target = fields.text("target");
        self.push_some("duser", target);
        let key = if target.is_some() { "suser" } else { "duser" };
        self.actor(key, fields);
        self.push_some("dpriv", fields.text("role"));
    }

    fn job(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.host(&Host::take(fields));
        if part.action().ends_with("failed") {
            self.push("outcome", "failure");
        }
        let reason = fields.text("error").or_else(|| fields.text("description"));
        self.push_some("reason", reason);
    }

    /// What has no key goes into the free slots; what has no slot either goes into the last one, as one JSON object.
    fn rest(&mut self, part: &Part<'_>, fields: &Fields<'_>) {
        let mut rest = extras(part, fields);
        let free: Vec<usize> = (0..SLOTS.len()).filter(|slot| !self.taken[*slot]).collect();
        let together = if rest.len() > free.len() {
            rest.split_off(free.len() - 1)
        } else {
            Vec::new()
        };
        for (slot, (label, value)) in free.iter().zip(&rest) {
            self.slot(*slot, label, text_of(value));
        }
        if let Some(last) = free.last().filter(|_| !together.is_empty()) {
            let together: Map<String, Json> = together.into_iter().collect();
            self.slot(*last, "more", Json::Object(together));
        }
        self.push_some("msg", part.body().and_then(some));
    }
}

/// The fields that are left, and what is to be said of the reading. That the time is the receipt's is said by the missing `end`.
fn extras(part: &Part<'_>, fields: &Fields<'_>) -> Vec<(String, Json)> {
    let fields = fields
        .left()
        .map(|(name, value)| (name.to_owned(), json!(value)));
    let marks = part.marks.iter().filter(|(name, _)| *name != "time_source");
    let marks = marks.map(|(name, value)| (format!("reading {name}"), value.clone()));
    let doubts = part.doubts.iter();
    let doubts = doubts.map(|doubt| (format!("ambiguous {}", doubt.field), json!(doubt.readings)));
    fields.chain(marks).chain(doubts).collect()
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn millis(time: crate::Timestamp) -> i64 {
    time.micros().div_euclid(1_000)
}

/// Header: `\` and `|` are escaped, a line break has no place in it.
fn push_header(line: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '\\' | '|' => line.extend(['\\', letter]),
            '\r' | '\n' => line.push(' '),
            '\0'..='\u{1f}' => {}
            other => line.push(other),
        }
    }
}

/// Value: `\`, `=` and line breaks are escaped; other control characters of ASCII are left out.
fn push_value(line: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '\\' | '=' => line.extend(['\\', letter]),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\0'..='\u{1f}' => {}
            other => line.push(other),
        }
    }
}

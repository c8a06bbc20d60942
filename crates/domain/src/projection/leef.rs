//! The Log Event Extended Format, version 2.0: a header and `key=value` pairs with a tab between them, one line.
//!
//! LEEF knows no escapes: what would end a value is replaced by a space.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::ecs::is_exploited;
use super::fields::{Fields, Host};
use super::part::Part;
use super::{PRODUCT, UNKNOWN, severity_of_ten, some};
use crate::Timestamp;

/// The tab, as the header names it.
const DELIMITER: &str = "0x09";
/// How `devTime` is written, in QRadar's words and in ours.
const TIME_FORMAT: (&str, &str) = ("MMM dd yyyy HH:mm:ss.SSS z", "%b %d %Y %H:%M:%S%.3f UTC");

pub(super) fn line(part: &Part<'_>) -> String {
    let mut line = Line::new(part);
    line.common(part);
    let mut fields = part.fields.clone();
    match part.class() {
        "asset" | "agent" => line.host(&Host::take(&mut fields)),
        "port" => line.port(&mut fields),
        "vulnerability" | "problem" | "solution" | "certificate" => line.finding(part, &mut fields),
        "login" => line.login(part, &mut fields),
        "session" | "audit" => line.actor(&mut fields),
        "account" => line.account(&mut fields),
        "job" => line.job(part, &mut fields),
        _ => {}
    }
    line.rest(part, &fields);
    line.text
}

/// A line in the making.
struct Line {
    text: String,
    /// A key that comes again is not read, so none does.
    keys: HashSet<String>,
}

impl Line {
    fn new(part: &Part<'_>) -> Self {
        let told = part.told;
        let mut text = String::from("LEEF:2.0");
        for item in [
            PRODUCT,
            PRODUCT,
            told.version,
            told.code.unwrap_or(UNKNOWN),
            DELIMITER,
        ] {
            text.push('|');
            push_plain(&mut text, item, true);
        }
        text.push('|');
        Self {
            text,
            keys: HashSet::new(),
        }
    }

    fn push(&mut self, key: &str, value: impl ToString) {
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        };
        let mut key: String = key.chars().map(plain).collect();
        while self.keys.contains(&key) {
            key.push('_');
        }
        if !self.keys.is_empty() {
            self.text.push('\t');
        }
        self.text.push_str(&key);
        self.text.push('=');
        push_plain(&mut self.text, &value.to_string(), false);
        self.keys.insert(key);
    }

    fn push_some(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.push(key, value);
        }
    }

    fn common(&mut self, part: &Part<'_>) {
        let told = part.told;
        self.push("devTime", written(part.time()));
        self.push("devTimeFormat", TIME_FORMAT.0);
        self.push("cat", told.category.unwrap_or(UNKNOWN));
        self.push("sev", severity_of_ten(part.severity));
        self.push_some("subject", some(told.subject));
        self.push_some("externalId", part.uid());
        self.push_some("domain", part.company);
        self.push_some("domainId", part.company_uid());
    }

    fn host(&mut self, host: &Host<'_>) {
        self.push_some("dst", host.ip);
        self.push_some("identHostName", host.hostname);
        self.push_some("dstMAC", host.mac);
    }

    fn port(&mut self, fields: &mut Fields<'_>) {
        self.host(&Host::take_scanned(fields));
        self.push_some("dstPort", fields.port("port"));
        self.push_some("proto", fields.text("protocol"));
    }

    fn finding(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.port(fields);
        self.push("findingId", &part.fingerprint);
        if is_exploited(part.action()) {
            self.push("kev", true);
        }
    }

    /// Who did it, from where, against which service.
    fn actor(&mut self, fields: &mut Fields<'_>) {
        self.push_some("usrName", fields.text("user"));
        self.push_some("src", fields.ip("ip"));
        self.push_some("resource", fields.text("service"));
        self.push_some("policy", fields.text("policy"));
    }

    fn login(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.actor(fields);
        match part.action() {
            "login-failure" => self.push("outcome", "failure"),
            "login-success" => self.push("outcome", "success"),
            _ => {}
        }
    }

    fn account(&mut self, fields: &mut Fields<'_>) {
        self.actor(fields);
        self.push_some("accountName", fields.text("target"));
        self.push_some("role", fields.text("role"));
    }

    fn job(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.host(&Host::take(fields));
        if part.action().ends_with("failed") {
            self.push("outcome", "failure");
        }
    }

    /// LEEF takes keys of one's own: fields keep their names, what is to be said of the reading begins with `reading_`.
    fn rest(&mut self, part: &Part<'_>, fields: &Fields<'_>) {
        for (name, value) in fields.left() {
            self.push(name, value);
        }
        for (name, value) in &part.marks {
            self.push(&format!("reading_{name}"), text_of(value));
        }
        for doubt in &part.doubts {
            let readings = json!(doubt.readings);
            self.push(&format!("reading_ambiguous_{}", doubt.field), readings);
        }
        if part.told.count > 1 {
            self.push("count", part.told.count);
        }
        self.push_some("msg", part.body().and_then(some));
    }
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn written(time: Timestamp) -> String {
    let stamp = jiff::Timestamp::from_microsecond(time.micros()).unwrap_or_default();
    stamp.strftime(TIME_FORMAT.1).to_string()
}

/// The delimiter, line breaks and, in the header, `|` become spaces; other control characters of ASCII are left out.
fn push_plain(line: &mut String, text: &str, is_header: bool) {
    for letter in text.chars() {
        match letter {
            '\t' | '\r' | '\n' => line.push(' '),
            '|' if is_header => line.push(' '),
            '\0'..='\u{1f}' => {}
            other => line.push(other),
        }
    }
}

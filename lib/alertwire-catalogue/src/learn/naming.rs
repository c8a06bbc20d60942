//! Names for fields: by their type, and by the words before them.

use std::collections::HashSet;

use super::parts::{Part, Slot};
use crate::types::FieldType;

/// The longest name that is made of words, in bytes.
const LONGEST: usize = 40;

const HOSTS: [&str; 10] = [
    "hostname",
    "host",
    "computer",
    "device",
    "machine",
    "workstation",
    "server",
    "asset",
    "node",
    "endpoint",
];
const USERS: [&str; 5] = ["user", "username", "account", "login", "logon"];
/// Words that say nothing about what comes next.
const EMPTY: [&str; 26] = [
    "a", "an", "the", "for", "of", "on", "at", "in", "to", "from", "with", "by", "and", "or", "is",
    "was", "has", "are", "were", "been", "be", "as", "via", "its", "his", "found",
];
/// Words that say something only with the one before them.
const INCOMPLETE: [&str; 9] = [
    "id", "name", "number", "code", "type", "count", "version", "time", "status",
];

/// Whether a word joins others rather than being a value.
pub(super) fn is_joint(word: &str) -> bool {
    EMPTY.iter().any(|known| known.eq_ignore_ascii_case(word))
}

pub(super) fn names_host(word: &str) -> bool {
    HOSTS.contains(&word)
}

pub(super) fn names_user(word: &str) -> bool {
    USERS.contains(&word)
}

/// Names all fields, each differently.
pub(super) fn name(parts: &mut [Part]) {
    let mut taken = HashSet::new();
    name_parts(parts, &mut taken);
}

fn name_parts(parts: &mut [Part], taken: &mut HashSet<String>) {
    for part in parts {
        match part {
            Part::Field(slot) => {
                slot.name = free_name(slot, taken);
                taken.insert(slot.name.clone());
                // A port brings its protocol with it.
                if slot.kind == FieldType::Port {
                    taken.insert("protocol".into());
                }
            }
            Part::Optional(parts) => name_parts(parts, taken),
            Part::Text(_) | Part::Gap => {}
        }
    }
}

fn free_name(slot: &Slot, taken: &HashSet<String>) -> String {
    let said = said_before(&slot.before);
    let name = by_type(slot, said.as_deref());
    if !taken.contains(&name) {
        return name;
    }
    if let Some(other) = said.filter(|said| *said != name && !taken.contains(said)) {
        return other;
    }
    let mut number = 2_usize;
    loop {
        let numbered = format!("{name}_{number}");
        if !taken.contains(&numbered) {
            return numbered;
        }
        number += 1;
    }
}

fn by_type(slot: &Slot, said: Option<&str>) -> String {
    let nearest = slot.before.last().map_or("", String::as_str);
    let said = said.unwrap_or("");
    let fixed = match &slot.kind {
        FieldType::Ip => "ip",
        FieldType::Port => "port",
        FieldType::Mac => "mac",
        FieldType::Cve | FieldType::Advisory => "vul_id",
        FieldType::Severity => "severity",
        FieldType::Host => "hostname",
        FieldType::User => "user",
        FieldType::Timestamp if !said.contains('_') => "timestamp",
        FieldType::Date if !said.contains('_') => "date",
        _ if names_host(nearest) && !slot.kind.is_free() => "hostname",
        _ if USERS.contains(&nearest) => "user",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    if said.is_empty() {
        match slot.kind {
            FieldType::Int | FieldType::Decimal => "number".into(),
            FieldType::Timestamp => "timestamp".into(),
            FieldType::Date => "date".into(),
            FieldType::Multiline => "text".into(),
            _ => "value".into(),
        }
    } else {
        said.to_owned()
    }
}

/// What the words before a field call it: `Job ID: 4711` is a `job_id`.
fn said_before(before: &[String]) -> Option<String> {
    let mut words = before
        .iter()
        .rev()
        .take(3)
        .skip_while(|word| EMPTY.contains(&word.as_str()));
    let word = words.next()?;
    let name = match words.next() {
        Some(owner) if INCOMPLETE.contains(&word.as_str()) && !EMPTY.contains(&owner.as_str()) => {
            format!("{owner}_{word}")
        }
        _ => word.clone(),
    };
    let fits = name.len() <= LONGEST
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    fits.then_some(name)
}

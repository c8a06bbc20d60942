//! What differs between two documents, field by field: for the audit log, for rolling back, for applying a file.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest list that is told whole. Of a longer one only the entries are told that the other side does not have,
/// at most so many.
pub const ENTRIES: usize = 64;
/// Longest text that is told whole, in characters.
pub const TEXT_CHARS: usize = 1_024;

/// One field, before and after. A field that is not there is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where it stands (RFC 6901).
    pub pointer: String,
    pub old: Value,
    pub new: Value,
}

/// The fields that differ, in the order of their pointers. Objects are gone into; a list is one field, for an entry has
/// no name by which it could be known again. Null, an empty object and nothing at all are the same.
#[must_use]
pub fn diff(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare(String::new(), old, new, &mut changes);
    changes.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    changes
}

/// A pointer to a field of what `pointer` points at.
#[must_use]
pub fn field(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn compare(pointer: String, old: &Value, new: &Value, changes: &mut Vec<FieldChange>) {
    if old == new {
        return;
    }
    let nothing = serde_json::Map::new();
    let (olds, news) = match (old, new) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        (Value::Object(old), Value::Null) => (old, &nothing),
        (Value::Null, Value::Object(new)) => (&nothing, new),
        _ => return changes.push(told(pointer, old, new)),
    };
    let added = news.keys().filter(|name| !olds.contains_key(*name));
    for name in olds.keys().chain(added) {
        let side = |fields: &serde_json::Map<String, Value>| {
            fields.get(name).cloned().unwrap_or(Value::Null)
        };
        compare(field(&pointer, name), &side(olds), &side(news), changes);
    }
}

fn told(pointer: String, old: &Value, new: &Value) -> FieldChange {
    let (old, new) = match (old, new) {
        (Value::Array(olds), Value::Array(news)) if olds.len().max(news.len()) > ENTRIES => {
            (only_here(olds, news), only_here(news, olds))
        }
        (old, new) => (shortened(old), shortened(new)),
    };
    FieldChange { pointer, old, new }
}

fn only_here(here: &[Value], there: &[Value]) -> Value {
    let there: HashSet<String> = there.iter().map(Value::to_string).collect();
    let only: Vec<Value> = here
        .iter()
        .filter(|entry| !there.contains(&entry.to_string()))
        .cloned()
        .collect();
    listed(&only)
}

fn listed(entries: &[Value]) -> Value {
    let mut told: Vec<Value> = entries.iter().take(ENTRIES).map(shortened).collect();
    if entries.len() > ENTRIES {
        told.push(format!("… and {} more", entries.len() - ENTRIES).into());
    }
    Value::Array(told)
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > TEXT_CHARS => {
            let start: String = text.chars().take(TEXT_CHARS).collect();
            format!("{start}… ({} characters)", text.chars().count()).into()
        }
        Value::Array(entries) => listed(entries),
        other => other.clone(),
    }
}

//! A configuration document as TOML that a person likes to read and keep: tables for things, one line for what is inside them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::harmless_json;

/// A list up to so many characters stands on one line.
const LINE: usize = 100;

/// The document under its head. What is null is left out, for TOML has no word for it.
pub(crate) fn toml(head: &str, document: &Map<String, Value>) -> String {
    let mut text = String::new();
    for line in head.lines() {
        let _ = writeln!(text, "# {line}");
    }
    // Whatever is no table has to stand before the first one.
    for (key, value) in document.iter().filter(|(_, value)| !is_tables(value)) {
        entry(&mut text, key, value);
    }
    for (section, value) in document.iter().filter(|(_, value)| is_tables(value)) {
        for item in value.as_array().into_iter().flatten() {
            table(
                &mut text,
                &format!("[[{}]]", key_text(section)),
                section,
                item,
            );
        }
    }
    text
}

/// A list of things, each with a table of its own.
fn is_tables(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

/// One table, then the tables inside it: of objects one, of lists of objects one each.
fn table(text: &mut String, head: &str, path: &str, item: &Value) {
    let Value::Object(object) = item else { return };
    let _ = write!(text, "\n{head}\n");
    let is_inner = |value: &Value| value.is_object() || is_tables(value);
    for (key, value) in object.iter().filter(|(_, value)| !is_inner(value)) {
        entry(text, key, value);
    }
    for (key, value) in object.iter().filter(|(_, value)| is_inner(value)) {
        let path = format!("{path}.{}", key_text(key));
        match value {
            Value::Array(items) => {
                for item in items {
                    entries(text, &format!("[[{path}]]"), item);
                }
            }
            inner => entries(text, &format!("[{path}]"), inner),
        }
    }
}

/// A table whose values all stand on their own lines.
fn entries(text: &mut String, head: &str, item: &Value) {
    let _ = write!(text, "\n{head}\n");
    for (key, value) in item.as_object().into_iter().flatten() {
        entry(text, key, value);
    }
}

fn entry(text: &mut String, key: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let key = key_text(key);
    let line = match value {
        Value::String(words) if words.contains('\n') => lines_text(words),
        value => value_text(value),
    };
    match value {
        Value::Array(items) if key.len() + line.len() > LINE => {
            let _ = writeln!(text, "{key} = [");
            for item in items {
                let _ = writeln!(text, "  {},", value_text(item));
            }
            let _ = writeln!(text, "]");
        }
        _ => drop(writeln!(text, "{key} = {line}")),
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => string_text(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(value_text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) => {
            let set = object.iter().filter(|(_, value)| !value.is_null());
            let entries: Vec<_> = set
                .map(|(key, value)| format!("{} = {}", key_text(key), value_text(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        plain => plain.to_string(),
    }
}

fn key_text(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        string_text(key)
    }
}

/// The escapes of JSON are TOML's too; it wants one more, and a terminal some others.
fn string_text(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    harmless_json(&quoted).into_owned()
}

/// A text of several lines, a certificate for example, as several lines.
fn lines_text(text: &str) -> String {
    let inner = |line: &str| {
        let quoted = string_text(line);
        quoted[1..quoted.len() - 1].to_owned()
    };
    let lines: Vec<_> = text.split('\n').map(inner).collect();
    format!("\"\"\"\n{}\"\"\"", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let document = json!({
            "version": 1, "nothing": [],
            "companies": [{"name": "A \"quoted\" \\ name\u{7f}\u{202e}", "quota": {"events_per_second": 5}}, {"name": "B"}],
            "integrations": [{
                "name": "Desk", "enabled": false, "companies": ["A", "B"],
                "credentials": {"url": "https://a", "secret": {"env": "X"}, "ca": "one\ntwo \"2\"\n", "odd key": 1.5, "login": {"pointer": "/a", "inner": {"b": [1, 2]}}},
                "rules": [{"name": "R", "matchers": ["severity=~\"high|critical\""]}, {"name": "S"}],
                "mappings": [],
            }, {
                "name": "Other", "mappings": [{"companies": (0..40).map(|n| format!("Company {n}")).collect::<Vec<_>>()}],
            }],
        });
        let text = toml("A head\nof two lines", document.as_object().unwrap());
        let read: toml::Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(serde_json::to_value(read).unwrap(), document, "{text}");
        assert!(
            text.starts_with("# A head\n# of two lines\nversion = 1\n"),
            "{text}"
        );
        assert!(text.contains("secret = { env = \"X\" }\n"), "{text}");
        assert!(text.contains("ca = \"\"\"\none\ntwo"), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{7f}'));
    }
}

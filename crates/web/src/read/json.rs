//! Strict JSON: one parser path, a depth cap of our own, and errors that name the field by its JSON pointer.

use connectors::FieldError;
use domain::catalogue::nearest;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// Arrays and objects inside one another (security.md I4).
const DEPTH: usize = 32;
/// Longest piece of a caller's text that an error repeats, in characters.
const SHOWN: usize = 128;

/// Reads a body. The quick parser goes first; only when it fails does the one that keeps track of the path.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    parse_at(body, "").map_err(|error| Problem::invalid(vec![error]))
}

/// The same, with what is in front of every pointer.
pub(crate) fn parse_at<T: DeserializeOwned>(body: &[u8], prefix: &str) -> Result<T, FieldError> {
    if let Some(byte) = too_deep(body) {
        let detail = format!("byte {byte}: arrays and objects may be {DEPTH} deep");
        return Err(FieldError {
            pointer: prefix.to_owned(),
            detail,
        });
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let error = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(value) => match reader.end() {
            Ok(()) => return Ok(value),
            Err(error) => {
                return Err(FieldError {
                    pointer: prefix.to_owned(),
                    detail: syntax(body, &error),
                });
            }
        },
        Err(error) => error,
    };
    let path = error.path().clone();
    let error = error.into_inner();
    Err(match error.classify() {
        serde_json::error::Category::Data => rule(pointer(prefix, &path), &error.to_string()),
        _ => FieldError {
            pointer: prefix.to_owned(),
            detail: syntax(body, &error),
        },
    })
}

/// The byte at which the nesting passes the cap.
fn too_deep(body: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return Some(at);
        }
    }
    None
}

/// What is wrong with JSON that is none, by its byte.
fn syntax(body: &[u8], error: &serde_json::Error) -> String {
    let lines_before = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(error.line().saturating_sub(1));
    let byte = match error.is_eof() {
        true => body.len(),
        false => lines_before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1),
    };
    format!(
        "is not JSON, byte {byte}: {}",
        without_place(&error.to_string())
    )
}

/// A broken rule of the form, in words for the caller.
fn rule(mut pointer: String, message: &str) -> FieldError {
    let message = without_place(message);
    if let Some(field) = quoted_after(message, "missing field ") {
        push(&mut pointer, field);
        return FieldError {
            pointer,
            detail: "is missing".to_owned(),
        };
    }
    if let Some(field) = quoted_after(message, "duplicate field ") {
        if !pointer.ends_with(&format!("/{}", escaped(field))) {
            push(&mut pointer, field);
        }
        return FieldError {
            pointer,
            detail: "is given twice".to_owned(),
        };
    }
    for (start, what) in [("unknown field ", "field"), ("unknown variant ", "value")] {
        let Some(word) = quoted_after(message, start) else {
            continue;
        };
        let last = format!("/{}", escaped(word));
        if what == "field" && !pointer.ends_with(&last) {
            pointer.push_str(&last);
        }
        let known = message.split('`').skip(3).step_by(2);
        let shown: String = word.chars().take(SHOWN).collect();
        let detail = match nearest(word, known.clone()) {
            Some(name) => format!("`{shown}` is not a {what} here; did you mean `{name}`?"),
            None => format!(
                "`{shown}` is not a {what} here; there is {}",
                known.collect::<Vec<_>>().join(", ")
            ),
        };
        return FieldError {
            pointer: shortened(&pointer),
            detail,
        };
    }
    FieldError {
        pointer: shortened(&pointer),
        detail: message.chars().take(4 * SHOWN).collect(),
    }
}

/// The same for a query, whose error has no path apart.
pub(crate) fn query_rule(message: &str) -> FieldError {
    let message = message
        .rsplit_once("query string: ")
        .map_or(message, |(_, rest)| rest);
    // `key: message` where a path is known.
    let message = ["unknown field ", "duplicate field "]
        .iter()
        .find_map(|start| message.find(start).map(|at| &message[at..]))
        .unwrap_or(message);
    let mut error = rule(String::new(), message);
    error.pointer = format!("?{}", error.pointer.trim_start_matches('/'));
    error
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message
        .strip_prefix(start)?
        .strip_prefix('`')?
        .split('`')
        .next()
}

fn without_place(message: &str) -> &str {
    message
        .rfind(" at line ")
        .map_or(message, |at| &message[..at])
}

fn pointer(prefix: &str, path: &Path) -> String {
    let mut pointer = prefix.to_owned();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// Adds a segment to a JSON pointer (RFC 6901).
pub(crate) fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&escaped(segment));
}

fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn shortened(pointer: &str) -> String {
    pointer.chars().take(4 * SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only reading is tested")]
        name: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only reading is tested")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only reading is tested")]
        port: u16,
    }

    fn check(body: &str, pointer: &str, words: &str) {
        let error = parse_at::<Outer>(body.as_bytes(), "").expect_err(body);
        assert_eq!(error.pointer, pointer, "{body}: {error:?}");
        assert!(error.detail.contains(words), "{body}: {error:?}");
        assert!(!error.detail.contains("at line"), "{body}: {error:?}");
    }

    #[test]
    fn a_broken_rule_is_named_by_its_pointer() {
        check(r#"{"name": 5}"#, "/name", "expected a string");
        check("{}", "/name", "is missing");
        check(r#"{"naem": "x"}"#, "/naem", "did you mean `name`?");
        check(r#"{"name": "x", "zzz": 1}"#, "/zzz", "there is name, inner");
        check(r#"{"name": "x", "name": "y"}"#, "/name", "given twice");
        check(
            r#"{"name": "x", "inner": [{"port": 1}, {"prt": 2}]}"#,
            "/inner/1/prt",
            "did you mean `port`?",
        );
        check(
            r#"{"name": "x", "inner": [{}]}"#,
            "/inner/0/port",
            "is missing",
        );
        check(
            r#"{"name": "x", "inner": [{"port": 70000}]}"#,
            "/inner/0/port",
            "70000",
        );
        check(r#"{"name": "x", "a/b~c": 1}"#, "/a~1b~0c", "is not a field");
    }

    #[test]
    fn text_that_is_no_json_is_named_by_its_byte() {
        check("", "", "byte 0");
        check("{\n \"name\" \"x\"}", "", "byte 10");
        check(r#"{"name": "x"} x"#, "", "byte 14");
        check("null", "", "expected struct");
    }

    #[test]
    fn nesting_has_a_cap() {
        let deep = format!("{{\"name\": {}1{}}}", "[".repeat(32), "]".repeat(32));
        check(&deep, "", "32 deep");
        let text = format!("{{\"name\": \"{}\"}}", "[\\\"".repeat(100));
        assert!(parse_at::<Outer>(text.as_bytes(), "").is_ok());
    }
}

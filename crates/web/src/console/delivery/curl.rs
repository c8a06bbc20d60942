//! A delivery as a command for a terminal, with its secrets masked.

use domain::integration::Integration;
use store::{Attempt, FrozenAlert};

use crate::console::text::visible;

/// Headers that a client sets by itself.
const OWN: [&str; 3] = ["host", "content-length", "connection"];

/// What an attempt sent, as `curl` would send it. Of a connector with no URL of its own there is none.
pub(super) fn command(
    integration: &Integration,
    attempt: &Attempt,
    alert: &FrozenAlert,
) -> Option<String> {
    let url = integration.fields.get("webhook_url")?.as_str()?;
    let body = std::str::from_utf8(&alert.body).ok()?;
    let mut command = format!("curl -X POST {}", quoted(&visible(url)));
    let headers = attempt.request_headers.iter();
    for (name, value) in
        headers.filter(|(name, _)| !OWN.contains(&name.to_ascii_lowercase().as_str()))
    {
        let header = quoted(&visible(&format!("{name}: {value}")));
        command.push_str(&format!(" \\\n  -H {header}"));
    }
    let data = quoted(&escaped(body));
    command.push_str(&format!(" \\\n  --data-raw {data}"));
    Some(command)
}

/// In single quotes nothing has a meaning to a shell but their end.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The same JSON in ASCII: what cannot be seen stays what it is and can be seen.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(quoted("a'; rm -rf '"), "'a'\\''; rm -rf '\\'''");
    }

    #[test]
    fn a_body_in_ascii_says_the_same() {
        let body = serde_json::json!({"body": "ä\u{202e}😀"}).to_string();
        let ascii = escaped(&body);
        assert!(ascii.is_ascii(), "{ascii}");
        let read: serde_json::Value = serde_json::from_str(&ascii).unwrap();
        assert_eq!(read["body"], "ä\u{202e}😀");
    }
}

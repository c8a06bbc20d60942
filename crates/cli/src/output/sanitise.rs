//! Host names, subjects and bodies come from strangers: no byte of theirs may steer the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Control characters, and the invisible ones that turn the direction of text or break lines.
fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text with each harmful character written out: `\n`, `\t`, `\u{1b}`.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |letter, out| {
        let _ = match letter {
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            other => write!(out, "\\u{{{:x}}}", u32::from(other)),
        };
    })
}

/// A line whose tabs are its own, as those of LEEF are: they stay, all else is as in [`harmless`].
pub(crate) fn harmless_fields(text: &str) -> String {
    let fields: Vec<_> = text.split('\t').map(harmless).collect();
    fields.join("\t")
}

/// JSON text with each harmful character as a JSON escape, so that it still says the same. In JSON text that serde wrote
/// they stand inside strings alone.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    escaped(json, |letter, out| {
        let mut units = [0_u16; 2];
        for unit in letter.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escaped(text: &str, write: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_harmful(letter) {
            write(letter, &mut out);
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_steered_by_what_is_printed() {
        let hostile = "web\u{1b}]52;c;ZXZpbA==\u{7}\r\n\u{9b}2J\u{202e}x";
        assert_eq!(
            harmless(hostile),
            "web\\u{1b}]52;c;ZXZpbA==\\u{7}\\r\\n\\u{9b}2J\\u{202e}x"
        );
        assert!(matches!(harmless("café ☕ ポート"), Cow::Borrowed(_)));
    }

    #[test]
    fn tabs_between_fields_stay() {
        assert_eq!(harmless_fields("a=1\tb=\u{1b}2"), "a=1\tb=\\u{1b}2");
    }

    #[test]
    fn escaped_json_says_the_same() {
        let hostile = "a\u{1b}b\u{9b}c\u{2028}d\u{feff}e\u{7f}";
        let text = serde_json::to_string(hostile).unwrap();
        let escaped = harmless_json(&text);
        assert!(!escaped.chars().any(is_harmful));
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), hostile);
    }
}

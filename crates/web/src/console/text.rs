//! Hostile text made visible: what alerts say is shown as text, with a badge for every character that cannot be seen or
//! that turns the direction of what stands around it (security.md I7).

use askama::Template;
use serde::{Serialize, Serializer};
use serde_json::json;

/// Longest text of a row in a list, in characters.
pub(super) const ROW: usize = 200;
/// Longest text of a detail, in characters. The rest is in the raw message.
pub(super) const WHOLE: usize = 64 * 1024;

/// A text to be shown. It is a template of its own, so that the engine escapes each piece; pages print it as `|safe`.
#[derive(Debug, Clone, Template)]
#[template(path = "shown.html")]
pub(super) struct Shown {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A character that cannot be seen, by its name.
    Hidden(String),
    /// From here on the text is what a field was read from.
    Marked(String),
    Unmarked,
    /// The text goes on.
    Cut,
}

/// What a field was read from: bytes of the text.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) field: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Names of the characters that are met most; others are shown by their number.
const NAMES: [(char, &str); 20] = [
    ('\u{ad}', "SHY"),
    ('\u{61c}', "ALM"),
    ('\u{200b}', "ZWSP"),
    ('\u{200c}', "ZWNJ"),
    ('\u{200d}', "ZWJ"),
    ('\u{200e}', "LRM"),
    ('\u{200f}', "RLM"),
    ('\u{2028}', "LSEP"),
    ('\u{2029}', "PSEP"),
    ('\u{202a}', "LRE"),
    ('\u{202b}', "RLE"),
    ('\u{202c}', "PDF"),
    ('\u{202d}', "LRO"),
    ('\u{202e}', "RLO"),
    ('\u{2060}', "WJ"),
    ('\u{2066}', "LRI"),
    ('\u{2067}', "RLI"),
    ('\u{2068}', "FSI"),
    ('\u{2069}', "PDI"),
    ('\u{feff}', "BOM"),
];

impl Shown {
    /// One line: line breaks are shown as badges too.
    pub(super) fn line(text: &str, most: usize) -> Self {
        let mut shown = Writer::new(most);
        shown.push(text, false);
        shown.done()
    }

    /// A text of several lines, with what its fields were read from.
    pub(super) fn marked(text: &str, mut marks: Vec<Mark>) -> Self {
        marks.sort_by_key(|mark| (mark.start, std::cmp::Reverse(mark.end)));
        let mut shown = Writer::new(WHOLE);
        let mut at = 0;
        for mark in marks {
            // Of two that overlap the first is shown; the table of fields has both.
            let (Some(before), Some(inside)) =
                (text.get(at..mark.start), text.get(mark.start..mark.end))
            else {
                continue;
            };
            shown.push(before, true);
            shown.pieces.push(Piece::Marked(mark.field));
            shown.push(inside, true);
            shown.pieces.push(Piece::Unmarked);
            at = mark.end;
        }
        shown.push(text.get(at..).unwrap_or_default(), true);
        shown.done()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// A name in plain text, for where there is no room for badges: what cannot be seen stands in brackets.
pub(crate) fn visible(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match hidden(c, false) {
            None => plain.push(c),
            Some(name) => {
                plain.push('[');
                plain.push_str(&name);
                plain.push(']');
            }
        }
    }
    plain
}

/// For pages that a script adds to: `{"text"}`, `{"hidden"}` and `{"cut"}` one after another, so that what is hidden is known in
/// one place.
impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(json!({ "text": text })),
            Piece::Hidden(name) => Some(json!({ "hidden": name })),
            Piece::Cut => Some(json!({"cut": true})),
            Piece::Marked(_) | Piece::Unmarked => None,
        }))
    }
}

struct Writer {
    pieces: Vec<Piece>,
    left: usize,
    is_cut: bool,
}

impl Writer {
    fn new(most: usize) -> Self {
        Self {
            pieces: Vec::new(),
            left: most,
            is_cut: false,
        }
    }

    fn push(&mut self, text: &str, lines: bool) {
        let mut plain = String::new();
        for c in text.chars() {
            if self.left == 0 {
                self.is_cut = true;
                break;
            }
            self.left -= 1;
            match hidden(c, lines) {
                None => plain.push(c),
                Some(name) => {
                    self.take(&mut plain);
                    self.pieces.push(Piece::Hidden(name));
                }
            }
        }
        self.take(&mut plain);
    }

    fn take(&mut self, plain: &mut String) {
        if !plain.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(plain)));
        }
    }

    fn done(mut self) -> Shown {
        if self.is_cut {
            self.pieces.push(Piece::Cut);
        }
        Shown {
            pieces: self.pieces,
        }
    }
}

/// The badge of a character that cannot be seen; none of one that can.
fn hidden(c: char, lines: bool) -> Option<String> {
    if lines && matches!(c, '\n' | '\t') {
        return None;
    }
    let is_hidden = c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    if !is_hidden {
        return None;
    }
    let name = NAMES.iter().find(|(known, _)| *known == c);
    Some(match name {
        Some((_, name)) => (*name).to_owned(),
        None => format!("U+{:04X}", u32::from(c)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(shown: &Shown) -> String {
        shown.render().unwrap()
    }

    #[test]
    fn what_cannot_be_seen_has_a_badge() {
        let shown = html(&Shown::line("a\u{202e}b\u{0}c\nd", ROW));
        assert_eq!(
            shown,
            "a<span class=\"hidden-char\">RLO</span>b<span class=\"hidden-char\">U+0000</span>c\
             <span class=\"hidden-char\">U+000A</span>d"
        );
    }

    #[test]
    fn markup_is_text() {
        let shown = html(&Shown::line("<img src=x onerror=alert(1)>'\"&", ROW));
        assert!(!shown.contains('<') && !shown.contains('"'), "{shown}");
        let mark = Mark {
            field: "\"><script>".to_owned(),
            start: 1,
            end: 3,
        };
        let shown = html(&Shown::marked("a<b>c", vec![mark]));
        assert!(shown.contains("&#60;b"), "{shown}");
        assert!(!shown.contains("<script"), "{shown}");
    }

    #[test]
    fn marks_that_overlap_or_fit_no_text_are_left_out() {
        let mark = |field: &str, start, end| Mark {
            field: field.to_owned(),
            start,
            end,
        };
        let marks = vec![
            mark("b", 2, 5),
            mark("a", 0, 3),
            mark("beyond", 4, 99),
            mark("back", 3, 1),
        ];
        let shown = Shown::marked("abcdef", marks);
        let marked = |piece: &&Piece| matches!(piece, Piece::Marked(_));
        assert_eq!(shown.pieces.iter().filter(marked).count(), 1);
        let split = Shown::marked("ä", vec![mark("half", 0, 1)]);
        assert_eq!(split.pieces, [Piece::Text("ä".to_owned())]);
    }

    #[test]
    fn a_script_gets_the_same_pieces() {
        let shown = Shown::line("a\u{202e}<b>", 4);
        let pieces = json!([{"text": "a"}, {"hidden": "RLO"}, {"text": "<b"}, {"cut": true}]);
        assert_eq!(json!(shown), pieces);
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = Shown::line(&"x".repeat(ROW + 1), ROW);
        assert_eq!(shown.pieces.last(), Some(&Piece::Cut));
        let shown = Shown::line(&"x".repeat(ROW), ROW);
        assert_eq!(shown.pieces.len(), 1);
    }
}

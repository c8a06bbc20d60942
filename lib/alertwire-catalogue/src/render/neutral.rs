//! Neutralises values that would not come back from the text: each stays readable, and none can pass for a piece of
//! its template.
//!
//! In steps, and each only as far as needed: control characters and line breaks become their pictures (`⏎`, `␉`, …) and
//! a backslash that would be taken for a broken line becomes `⧵`; then the blanks of a value that holds words of the
//! template become no-break spaces; then those of all free values; then their ASCII letters and marks become full-width.

use crate::catalogue::Catalogue;
use crate::kind::Kind;
use crate::render::RenderError;
use crate::template::Piece;
use crate::value::{Record, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// Characters that cannot stand in a line of text.
    Controls,
    /// And the blanks of values that hold words of the template.
    Introducers,
    /// And the blanks of all values.
    Blanks,
    /// And everything that a template could be written in.
    FullWidth,
}

impl Catalogue {
    /// The body with its free values neutralised so far that no reader takes them for something else.
    pub(super) fn neutralised(
        &self,
        kind: &Kind,
        records: &[Record],
    ) -> Result<String, RenderError> {
        let words = template_words(kind);
        let mut body = String::new();
        for strength in [
            Strength::Controls,
            Strength::Introducers,
            Strength::Blanks,
            Strength::FullWidth,
        ] {
            let harmless: Vec<Record> = records
                .iter()
                .map(|record| neutral_record(kind, record, strength, &words))
                .collect();
            body = kind.print(&harmless)?;
            if self.comes_back(kind, &body, &harmless) {
                break;
            }
        }
        Ok(body)
    }
}

fn neutral_record(kind: &Kind, record: &Record, strength: Strength, words: &[String]) -> Record {
    let mut harmless = Record::new();
    for (name, value) in record.iter() {
        let free = kind
            .template
            .template
            .field(name)
            .is_some_and(|(_, field)| field.kind.is_free());
        match value {
            Value::Text(text) if free => harmless.insert(name, neutral_text(text, strength, words)),
            _ => harmless.insert(name, value.clone()),
        };
    }
    harmless
}

fn neutral_text(text: &str, strength: Strength, words: &[String]) -> String {
    let text = without_controls(text);
    match strength {
        Strength::Controls => text,
        Strength::Introducers => {
            let lower = text.to_lowercase();
            if words.iter().any(|word| lower.contains(word.as_str())) {
                unbroken(&text)
            } else {
                text
            }
        }
        Strength::Blanks => unbroken(&text),
        Strength::FullWidth => text.chars().map(full_width).collect(),
    }
}

fn without_controls(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        match letter {
            '\r' if next == Some('\n') => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => harmless.push('⏎'),
            // The pictures of the controls stand in the order of the controls.
            '\u{0}'..='\u{1f}' => {
                harmless.push(char::from_u32(0x2400 + u32::from(letter)).unwrap_or('�'))
            }
            '\u{7f}' => harmless.push('␡'),
            '\u{80}'..='\u{9f}' => harmless.push('�'),
            '\\' if next.is_none_or(|next| next.is_ascii_whitespace() || next.is_control()) => {
                harmless.push('⧵')
            }
            '<' if next.is_some_and(|next| next.eq_ignore_ascii_case(&'b')) => harmless.push('‹'),
            _ => harmless.push(letter),
        }
    }
    harmless
}

/// With no-break spaces, which no literal of a template holds.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}").replace('\\', "⧵")
}

fn full_width(letter: char) -> char {
    match letter {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(letter) - 0x21 + 0xff01).unwrap_or(letter),
        _ => letter,
    }
}

/// The literals of the template, without the blanks around them, in lower case.
fn template_words(kind: &Kind) -> Vec<String> {
    fn collect(pieces: &[Piece], words: &mut Vec<String>) {
        for piece in pieces {
            match piece {
                Piece::Literal { text } => words.push(text.trim().to_lowercase()),
                Piece::Optional { pieces, .. } | Piece::Repeat { pieces, .. } => {
                    collect(pieces, words)
                }
                Piece::Field(_) | Piece::Gap => {}
            }
        }
    }
    let mut words = Vec::new();
    for compiled in kind.templates() {
        collect(&compiled.template.pieces, &mut words);
    }
    words.retain(|word| !word.is_empty());
    words
}

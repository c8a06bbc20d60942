//! The parts of a template that is being made, and how they are written.

use super::tokens::{Blank, Token};
use crate::types::FieldType;

#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(String),
    Gap,
    Field(Slot),
    Optional(Vec<Part>),
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) kind: FieldType,
    pub(super) list: bool,
    /// The words of the wording before it, the nearest last.
    pub(super) before: Vec<String>,
    pub(super) name: String,
}

/// The blank that stands before most of these tokens.
pub(super) fn blank(tokens: &[&Token<'_>]) -> Blank {
    let count = |blank: Blank| tokens.iter().filter(|token| token.before == blank).count();
    let (none, breaks) = (count(Blank::None), count(Blank::Break));
    if none * 2 > tokens.len() {
        Blank::None
    } else if breaks > 0 {
        Blank::Break
    } else {
        Blank::Space
    }
}

pub(super) fn push_blank(parts: &mut Vec<Part>, blank: Blank) {
    match blank {
        Blank::None => {}
        Blank::Space => push_text(parts, " "),
        Blank::Break => parts.push(Part::Gap),
    }
}

pub(super) fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// The words right before the next part, the nearest last.
pub(super) fn words_before(parts: &[Part]) -> Vec<String> {
    let text = match parts {
        [.., Part::Text(text)] => text,
        [.., Part::Text(text), Part::Gap] => text,
        _ => return Vec::new(),
    };
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

pub(super) fn ends_free(parts: &[Part]) -> bool {
    matches!(parts.last(), Some(Part::Field(slot)) if slot.kind.is_free())
}

/// Whether a free text may stand right before the next part: segments may be absent.
pub(super) fn may_end_free(parts: &[Part]) -> bool {
    for part in parts.iter().rev() {
        match part {
            Part::Optional(inside) if ends_free(inside) => return true,
            Part::Optional(_) => {}
            _ => return ends_free(std::slice::from_ref(part)),
        }
    }
    false
}

pub(super) fn holds_free(parts: &[Part]) -> bool {
    parts.iter().any(|part| match part {
        Part::Field(slot) => slot.kind.is_free(),
        Part::Optional(parts) => holds_free(parts),
        Part::Text(_) | Part::Gap => false,
    })
}

pub(super) fn print(parts: &[Part], source: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => {
                for letter in text.chars() {
                    if matches!(letter, '{' | '}' | '[' | ']' | '(' | ')' | '\\') {
                        source.push('\\');
                    }
                    source.push(letter);
                }
            }
            Part::Gap => source.push_str("{ws}"),
            Part::Field(slot) => {
                let list = if slot.list { ",+" } else { "" };
                source.push_str(&format!("{{{}:{}{list}}}", slot.name, slot.kind.name()));
            }
            Part::Optional(parts) => {
                source.push('[');
                print(parts, source);
                source.push(']');
            }
        }
    }
}

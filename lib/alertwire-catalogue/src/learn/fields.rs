//! The type of what differs.

use std::collections::HashMap;
use std::ops::Range;

use super::naming;
use super::tokens::{Sort, Token, fills};
use crate::types::FieldType;

/// Values that make an enumeration: this few, and each this often.
const MOST_CHOICES: usize = 6;
const EACH_CHOICE: usize = 2;
const CHOICE_SHARE: usize = 3;

/// Among other words a choice has to be plainer still: names repeat too.
const FEWEST_TO_TELL: usize = 12;
const MOST_PLAIN_CHOICES: usize = 3;

/// A value, in its body.
pub(super) struct Seen<'t> {
    pub(super) text: &'t str,
    pub(super) range: Range<usize>,
    /// It is a single word.
    pub(super) alone: bool,
}

impl<'t> Seen<'t> {
    fn value(&self) -> &'t str {
        &self.text[self.range.clone()]
    }

    fn fills(&self, kind: &FieldType) -> bool {
        fills(kind, self.text, self.range.start, self.range.end)
    }
}

/// The one tight type of all these tokens, if there is one.
pub(super) fn common_type(tokens: &[&Token<'_>]) -> Option<FieldType> {
    let mut common: Option<FieldType> = None;
    for token in tokens {
        let kind = match &token.sort {
            Sort::Typed(kind) => kind,
            Sort::Absent => continue,
            Sort::Word | Sort::Mark => return None,
        };
        common = Some(match common {
            None => kind.clone(),
            Some(known) if known == *kind => known,
            Some(known) => wider(&known, kind)?,
        });
    }
    // A value that is never there may be any word.
    Some(common.unwrap_or(FieldType::Word))
}

fn wider(one: &FieldType, two: &FieldType) -> Option<FieldType> {
    match (one, two) {
        (FieldType::Host, FieldType::Ip) | (FieldType::Ip, FieldType::Host) => {
            Some(FieldType::Host)
        }
        (FieldType::Int, FieldType::Decimal) | (FieldType::Decimal, FieldType::Int) => {
            Some(FieldType::Decimal)
        }
        _ => None,
    }
}

/// The narrowest type that takes all the values and will take others of their sort.
pub(super) fn type_of(values: &[Seen<'_>], word_before: &str) -> FieldType {
    let all = |kind: &FieldType| values.iter().all(|value| value.fills(kind));
    if let Some(choices) = choices(values).filter(all) {
        return choices;
    }
    let alone = values.iter().all(|value| value.alone);
    if alone && naming::names_host(word_before) && all(&FieldType::Host) {
        return FieldType::Host;
    }
    if values.iter().any(|value| value.value().contains('\n')) {
        return FieldType::Multiline;
    }
    if naming::names_user(word_before) {
        return FieldType::User;
    }
    if alone && all(&FieldType::Word) {
        return FieldType::Word;
    }
    FieldType::Text
}

/// The choice among few words, where one stands among others.
pub(super) fn few_words(tokens: &[&Token<'_>]) -> Option<FieldType> {
    let plain = tokens.len() >= FEWEST_TO_TELL
        && tokens
            .iter()
            .all(|token| token.sort == Sort::Word && token.text.chars().all(char::is_alphabetic));
    if !plain {
        return None;
    }
    let values: Vec<Seen<'_>> = tokens
        .iter()
        .map(|token| Seen {
            text: token.text,
            range: 0..token.text.len(),
            alone: true,
        })
        .collect();
    choices(&values)
        .filter(|kind| matches!(kind, FieldType::Enum(names) if names.len() <= MOST_PLAIN_CHOICES))
}

/// Few values that come back often.
fn choices(values: &[Seen<'_>]) -> Option<FieldType> {
    let mut counts: HashMap<String, (&str, usize)> = HashMap::new();
    for value in values {
        let text = value.value();
        let plain = text
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.'));
        if !plain || text.chars().all(|letter| letter.is_ascii_digit()) {
            return None;
        }
        counts
            .entry(text.to_ascii_lowercase())
            .or_insert((text, 0))
            .1 += 1;
        if counts.len() > MOST_CHOICES {
            return None;
        }
    }
    let often = counts.values().all(|(_, count)| *count >= EACH_CHOICE);
    if counts.len() < 2 || !often || values.len() < counts.len() * CHOICE_SHARE {
        return None;
    }
    let mut names: Vec<&str> = counts.into_values().map(|(text, _)| text).collect();
    names.sort_unstable();
    FieldType::parse(&format!("enum({})", names.join("|")))
}

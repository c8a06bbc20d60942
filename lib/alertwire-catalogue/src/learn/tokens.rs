//! A body in words: what is typed by itself, what its neighbours say it is, plain words, and marks.

use super::naming;
use crate::severity::Severity;
use crate::sweep;
use crate::types::{FieldType, means_absent};

/// What stands before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    None,
    Space,
    /// A line break, or what stands for one.
    Break,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Word,
    /// A single character that is no part of a word.
    Mark,
    /// `N/A` and its like: a value that is not there.
    Absent,
    Typed(FieldType),
}

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) before: Blank,
    pub(super) text: &'t str,
    pub(super) start: usize,
    pub(super) sort: Sort,
    /// Several values of the type, with commas.
    pub(super) list: bool,
    /// The first word of a sentence, a clause or a line.
    pub(super) head: bool,
    /// A preposition, or a word that introduces a typed value.
    pub(super) joint: bool,
    /// Many of the bodies have the word.
    pub(super) common: bool,
    /// The word of the wording, or the mark, right before it.
    pub(super) introducer: Option<&'t str>,
    /// Of a mark: the word behind it.
    pub(super) next: Option<&'t str>,
    /// Typed by its form alone, or by the words before it: then its value may vary also where it did not so far.
    pub(super) varies: bool,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A word that could be a part of a value.
    pub(super) fn is_plain(&self) -> bool {
        self.sort == Sort::Word && !self.joint && !self.head && !self.common
    }
}

/// Words that say what the next one is.
const BEFORE_HOSTS: [&str; 8] = [
    "hostname",
    "host",
    "computer",
    "device",
    "machine",
    "workstation",
    "asset",
    "server",
];
const BEFORE_USERS: [&str; 5] = ["user", "username", "account", "login", "logon"];
const BEFORE_SEVERITIES: [&str; 4] = ["severity", "priority", "risk", "level"];
const BEFORE_PORTS: [&str; 2] = ["port", "ports"];

/// The tokens of a text; `None` when there are more than `most`.
pub(super) fn split(text: &str, most: usize) -> Option<Vec<Token<'_>>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    loop {
        let (before, start) = blanks(text, at);
        if start == text.len() {
            let mut tokens = lists(tokens, text);
            for index in 1..tokens.len() {
                if tokens[index - 1].sort == Sort::Mark && tokens[index].sort == Sort::Word {
                    tokens[index - 1].next = Some(tokens[index].text);
                }
                tokens[index - 1].joint = naming::is_joint(tokens[index - 1].text)
                    || (tokens[index - 1].sort == Sort::Word
                        && matches!(tokens[index].sort, Sort::Typed(_)));
            }
            return Some(tokens);
        }
        if tokens.len() == most {
            return None;
        }
        let token = token(text, start, before, &tokens);
        at = token.end();
        tokens.push(token);
    }
}

fn blanks(text: &str, at: usize) -> (Blank, usize) {
    let bytes = text.as_bytes();
    let (mut end, mut blank) = (at, Blank::None);
    loop {
        let (length, found) = match &bytes[end..] {
            [b' ' | b'\t', ..] => (1, Blank::Space),
            [b'\r' | b'\n', ..] => (1, Blank::Break),
            // A stray backslash is what a broken encoder left of a line break.
            [b'\\'] | [b'\\', b' ' | b'\t' | b'\n', ..] if end > 0 => (1, Blank::Break),
            _ => return (blank, end),
        };
        end += length;
        if blank != Blank::Break {
            blank = found;
        }
    }
}

fn token<'t>(text: &'t str, start: usize, before: Blank, tokens: &[Token<'t>]) -> Token<'t> {
    let make = |end: usize, sort: Sort, varies: bool| Token {
        before,
        text: &text[start..end],
        start,
        sort,
        list: false,
        head: before == Blank::Break
            || tokens
                .last()
                .is_none_or(|last| matches!(last.text, "." | "," | ";")),
        joint: false,
        common: false,
        introducer: None,
        next: None,
        varies,
    };
    if let Some((end, kind)) = typed(text, start) {
        return make(end, Sort::Typed(kind), true);
    }
    let end = run_end(text, start);
    if end == start {
        let length = text[start..].chars().next().map_or(1, char::len_utf8);
        return make(start + length, Sort::Mark, false);
    }
    let word = &text[start..end];
    if means_absent(word) {
        return make(end, Sort::Absent, false);
    }
    let hint = Hint::of(tokens);
    if let Some(kind) = hint.kind(text, start, end) {
        return make(end, Sort::Typed(kind), true);
    }
    for kind in [FieldType::Int, FieldType::Decimal] {
        if word.starts_with(|first: char| first.is_ascii_digit()) && fills(&kind, text, start, end)
        {
            return make(end, Sort::Typed(kind), false);
        }
    }
    if sweep::is_host(word) && fills(&FieldType::Host, text, start, end) {
        return make(end, Sort::Typed(FieldType::Host), true);
    }
    make(end, Sort::Word, false)
}

/// What is typed by its form alone.
fn typed(text: &str, start: usize) -> Option<(usize, FieldType)> {
    if let Some(end) = sweep::url_end(text.as_bytes(), start) {
        return word_that_fills(text, start, end);
    }
    for kind in [
        FieldType::Cve,
        FieldType::Timestamp,
        FieldType::Date,
        FieldType::Ip,
    ] {
        if let Some(end) = sweep::real_end(&kind, text, start) {
            return Some((end, kind));
        }
    }
    if let Some(end) = sweep::real_end(&FieldType::Mac, text, start)
        && text[start..end].contains([':', '-', '.'])
    {
        return Some((end, FieldType::Mac));
    }
    if let Some(end) = sweep::real_end(&FieldType::Port, text, start)
        && text[start..end].contains('/')
    {
        return Some((end, FieldType::Port));
    }
    let end = sweep::email_end(text, start)?;
    word_that_fills(text, start, end)
}

fn word_that_fills(text: &str, start: usize, end: usize) -> Option<(usize, FieldType)> {
    fills(&FieldType::Word, text, start, end).then_some((end, FieldType::Word))
}

/// Whether a value of the type that begins here ends just there.
pub(super) fn fills(kind: &FieldType, text: &str, start: usize, end: usize) -> bool {
    kind.scan(text, start)
        .is_some_and(|ends| ends.end == end || ends.longer == Some(end))
}

/// The end of a run of what words are made of; marks at its end belong to the sentence.
fn run_end(text: &str, start: usize) -> usize {
    let is_part = |letter: &char| {
        letter.is_alphanumeric()
            || matches!(
                letter,
                '_' | '-' | '.' | '@' | '\\' | '/' | '+' | '$' | '#' | '&' | '\'' | '~'
            )
    };
    let run: usize = text[start..]
        .chars()
        .take_while(is_part)
        .map(char::len_utf8)
        .sum();
    let word = &text[start..start + run];
    let begins = word
        .find(|letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '#'))
        .unwrap_or(0);
    if begins > 0 && word != "-" {
        // A mark in front of a word is a mark of its own.
        return start;
    }
    if word == "-" {
        return start + 1;
    }
    start
        + word
            .trim_end_matches(['.', '-', '\\', '/', '+', '&', '\'', '~'])
            .len()
}

/// What the words before a token say about it.
struct Hint {
    word: String,
    /// A colon or an equals sign stands between.
    marked: bool,
}

impl Hint {
    fn of(tokens: &[Token<'_>]) -> Self {
        let (word, marked) = match tokens {
            [.., word, mark] if mark.sort == Sort::Mark && matches!(mark.text, ":" | "=") => {
                (Some(word), true)
            }
            // `ports 80, 443`
            [.., item, mark] if mark.text == "," && item.sort == Sort::Typed(FieldType::Port) => {
                return Self {
                    word: "port".into(),
                    marked: false,
                };
            }
            [.., word] => (Some(word), false),
            [] => (None, false),
        };
        let word = word.filter(|token| token.sort == Sort::Word);
        Self {
            word: word.map_or_else(String::new, |token| token.text.to_ascii_lowercase()),
            marked,
        }
    }

    fn kind(&self, text: &str, start: usize, end: usize) -> Option<FieldType> {
        let word = &text[start..end];
        let says = |words: &[&str]| words.contains(&self.word.as_str());
        if says(&BEFORE_SEVERITIES) && word.parse::<Severity>().is_ok() {
            return Some(FieldType::Severity);
        }
        if says(&BEFORE_PORTS) && fills(&FieldType::Port, text, start, end) {
            return Some(FieldType::Port);
        }
        // `host unreachable` names no host: the word must look like a name, or stand behind a mark.
        let looks = self.marked
            || word.contains(|letter: char| {
                letter.is_ascii_digit() || matches!(letter, '-' | '.' | '\\' | '@' | '_')
            });
        if looks && says(&BEFORE_HOSTS) && fills(&FieldType::Host, text, start, end) {
            return Some(FieldType::Host);
        }
        if looks && says(&BEFORE_USERS) && fills(&FieldType::Word, text, start, end) {
            return Some(FieldType::User);
        }
        None
    }
}

/// Joins values of one type that only commas part: `CVE-1, CVE-2`.
fn lists<'t>(tokens: Vec<Token<'t>>, text: &'t str) -> Vec<Token<'t>> {
    let mut joined: Vec<Token<'t>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let count = joined.len();
        let continues = count >= 2
            && joined[count - 1].text == ","
            && joined[count - 1].before == Blank::None
            && token.before != Blank::Break
            && is_listed(&token.sort)
            && joined[count - 2].sort == token.sort;
        if continues {
            joined.pop();
            let end = token.end();
            if let Some(list) = joined.last_mut() {
                list.text = &text[list.start..end];
                list.list = true;
            }
        } else {
            joined.push(token);
        }
    }
    joined
}

fn is_listed(sort: &Sort) -> bool {
    matches!(
        sort,
        Sort::Typed(
            FieldType::Cve | FieldType::Ip | FieldType::Port | FieldType::Mac | FieldType::Host
        )
    )
}

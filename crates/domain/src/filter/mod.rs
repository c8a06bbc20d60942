//! The one filter language: rule matchers, lists, exports, live streams, replays and silences all speak it.
//!
//! A filter is one or more terms, all of which must hold: `severity>=high event=problem.* field.hostname=~"web-.*"`.
//!
//! | Part | What it may be |
//! |---|---|
//! | key | `text`, `severity`, `event`, `category`, `subject`, `body`, `company`, `source`, `match`, `decode`, `routing`, `received_at`, `occurred_at`, `fingerprint`, `field.NAME` |
//! | `=` `!=` | equal without regard to case; `*` stands for any run of characters |
//! | `=~` `!~` | a regular expression that must fit the whole value |
//! | `<` `<=` `>` `>=` | for `severity`, `received_at`, `occurred_at` and numeric fields |
//! | value | bare up to white space or a comma, or in double quotes with `\"` and `\\` |
//!
//! A key with several values (a field of several records, a company with aliases) holds when any of them does; the negations
//! hold when none does. Ambiguous fields are never looked at. `text` takes `=` and `!=` alone: subject and body hold all of
//! its words, in any order. Companies and sources are known by their names, and by their whole ids.
//!
//! Not every place may ask everything: [`Place`] says what is not known there. What a database can say of a filter is its
//! [`Narrowing`]; [`Filter::matches`] has the last word on each row.

mod facts;
mod grammar;
mod narrowing;
mod term;
mod words;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::configuration::Configuration;
use crate::matching::Facts;

pub use grammar::quoted;
pub use narrowing::{Among, Narrowing, Span};
pub use term::glob;
pub use words::{has_words, words};

use term::{Key, Term, Test};

/// Longest filter, in bytes.
pub const BYTES: usize = 1_024;
/// Most terms of one filter.
pub const TERMS: usize = 16;

/// A parsed filter; it is written as its own text.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// Where a filter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A matcher of a rule: the company mapping says which companies it is for (decisions.md 22), and where an event goes
    /// is not known before.
    Rule,
    /// A silence: where an event goes is not known before.
    Silence,
    /// A list, a stream, an export, a replay, a what-if: everything is known.
    Search,
}

/// A filter that could not be read, with the byte where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, byte {at}: {message}")]
pub struct FilterError {
    pub at: usize,
    pub message: String,
}

impl Filter {
    /// Reads a filter for the place that it is to stand in. [`FromStr`] reads one that was let in before.
    pub fn parse_for(place: Place, text: &str) -> Result<Self, FilterError> {
        grammar::read(text, Some(place))
    }

    /// Whether every term holds.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>, configuration: &Configuration) -> bool {
        self.terms
            .iter()
            .all(|term| term.holds(facts, configuration))
    }

    /// What holds of every event that the filter lets through, as far as a database can say it.
    #[must_use]
    pub fn narrowing(&self, configuration: &Configuration) -> Narrowing {
        Narrowing::of(&self.terms, configuration)
    }

    /// The only kind, in lower case, whose events can match; none when events of several kinds can.
    pub(crate) fn only_event(&self) -> Option<String> {
        self.terms
            .iter()
            .find_map(|term| match (&term.key, &term.test) {
                (
                    Key::Event,
                    Test::Equals {
                        pattern,
                        negated: false,
                    },
                ) if !pattern.contains('*') => Some(pattern.to_ascii_lowercase()),
                _ => None,
            })
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        grammar::read(text, None)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Filter {}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

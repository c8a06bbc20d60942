//! One term of a filter: a key, and what its values are to be.

use std::borrow::Cow;

use regex::Regex;

use super::facts::{ordered, values};
use super::words::has_words;
use crate::configuration::Configuration;
use crate::matching::Facts;
use crate::{Severity, Timestamp};

#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) key: Key,
    pub(super) test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Text,
    Severity,
    Event,
    Category,
    Subject,
    Body,
    Company,
    Source,
    Match,
    Decode,
    Routing,
    ReceivedAt,
    OccurredAt,
    Fingerprint,
    Field(String),
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Equals {
        pattern: String,
        negated: bool,
    },
    Fits {
        regex: Regex,
        negated: bool,
    },
    Order {
        order: Order,
        bound: Bound,
    },
    /// In lower case.
    Words {
        words: Vec<String>,
        negated: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
pub(super) enum Bound {
    Severity(Severity),
    Time(Timestamp),
    Number(f64),
}

impl Term {
    pub(super) fn holds(&self, facts: &Facts<'_>, configuration: &Configuration) -> bool {
        match &self.test {
            Test::Order { order, bound } => ordered(&self.key, *order, bound, facts),
            Test::Words { words, negated } => {
                has_words(words, &[facts.subject, facts.body]) != *negated
            }
            test => {
                let values = values(&self.key, test.may_mean_id(), facts, configuration);
                test.admits(&values)
            }
        }
    }
}

impl Test {
    /// Whether a value is what is asked for; where the test is negated, whether none is.
    pub(super) fn admits(&self, values: &[Cow<'_, str>]) -> bool {
        match self {
            Self::Equals { pattern, negated } => {
                values.iter().any(|value| glob(pattern, value)) != *negated
            }
            Self::Fits { regex, negated } => {
                values.iter().any(|value| regex.is_match(value)) != *negated
            }
            Self::Order { .. } | Self::Words { .. } => false,
        }
    }

    pub(super) fn is_negated(&self) -> bool {
        match self {
            Self::Equals { negated, .. }
            | Self::Fits { negated, .. }
            | Self::Words { negated, .. } => *negated,
            Self::Order { .. } => false,
        }
    }

    /// An id is asked for as a whole or not at all.
    pub(super) fn may_mean_id(&self) -> bool {
        self.whole().is_some()
    }

    /// The one value that is asked for, or not to be.
    pub(super) fn whole(&self) -> Option<&str> {
        match self {
            Self::Equals { pattern, .. } if !pattern.contains('*') => Some(pattern),
            _ => None,
        }
    }
}

impl Order {
    pub(super) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Whether a pattern with `*` for any run fits the whole text, without regard to ASCII case. Linear but for the last star's retries.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern
            .get(p)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(&text[t]))
        {
            (p, t) = (p + 1, t + 1);
        } else if let Some((star_p, star_t)) = star {
            (p, t) = (star_p + 1, star_t + 1);
            star = Some((star_p, star_t + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

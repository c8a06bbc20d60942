//! What a database can say of a filter: conditions that hold of every event which it lets through, and of others too.
//!
//! Whoever uses them tests what comes by [`super::Filter::matches`]; leaving one out costs time and changes nothing.

use std::borrow::Cow;
use std::time::Duration;

use super::facts::{UNASSIGNED, company_words, routing_words};
use super::term::{Bound, Key, Order, Term, Test};
use crate::configuration::Configuration;
use crate::event::{Fingerprint, Match, Reason, Routing};
use crate::message::Decode;
use crate::{CompanyId, Severity, SourceId, Timestamp};

/// Most ids of one condition; where there would be more, there is no condition.
const IDS: usize = 1_000;

/// Conditions that all hold. An empty set of values is one that nothing fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Patterns with `*`, in ASCII lower case: each fits the kind, or the reading has alternatives to it.
    pub kinds: Vec<String>,
    /// Patterns with `*`, in ASCII lower case.
    pub categories: Vec<String>,
    pub severities: Option<Vec<Severity>>,
    pub matched: Option<Vec<Match>>,
    pub decodes: Option<Vec<Decode>>,
    pub routings: Option<Vec<Routing>>,
    pub companies: Vec<Among<CompanyId>>,
    pub sources: Vec<Among<SourceId>>,
    pub received: Span,
    pub occurred: Span,
    /// Subject and body hold each of them.
    pub words: Vec<String>,
    pub fingerprint: Option<Fingerprint>,
}

/// One of some things, or none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Among<T> {
    pub ids: Vec<T>,
    /// Whether the events of no thing count as those of the ids do.
    pub nothing: bool,
    /// All but these are meant.
    pub others: bool,
}

/// From a time on, up to another that is not part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl Narrowing {
    /// Whether a set of values is empty, so that nothing can fit.
    #[must_use]
    pub fn is_void(&self) -> bool {
        fn none<T>(left: Option<&Vec<T>>) -> bool {
            left.is_some_and(Vec::is_empty)
        }
        none(self.severities.as_ref())
            || none(self.matched.as_ref())
            || none(self.decodes.as_ref())
            || none(self.routings.as_ref())
            || self.companies.iter().any(Among::is_void)
            || self.sources.iter().any(Among::is_void)
    }

    pub(super) fn of(terms: &[Term], configuration: &Configuration) -> Self {
        let mut narrowing = Self::default();
        for term in terms {
            narrowing.add(term, configuration);
        }
        narrowing
    }

    fn add(&mut self, term: &Term, configuration: &Configuration) {
        let Term { key, test } = term;
        match key {
            Key::Event => self.kinds.extend(pattern(test)),
            Key::Category => self.categories.extend(pattern(test)),
            Key::Severity => self.add_severity(test),
            Key::Match => {
                let all = [Match::Full, Match::Partial, Match::None];
                keep(&mut self.matched, &all, |one| {
                    test.admits(&[Cow::Borrowed(one.as_str())])
                });
            }
            Key::Decode => {
                let all = [Decode::Ok, Decode::Repaired, Decode::Failed];
                keep(&mut self.decodes, &all, |one| {
                    test.admits(&[Cow::Borrowed(one.as_str())])
                });
            }
            Key::Routing => {
                let mut all = vec![Routing::Routed];
                all.extend(Reason::ALL.map(Routing::Unrouted));
                keep(&mut self.routings, &all, |one| {
                    test.admits(&routing_words(one))
                });
            }
            Key::Company => self.companies.extend(companies(test, configuration)),
            Key::Source => self.sources.extend(sources(test, configuration)),
            Key::ReceivedAt => self.received.narrow(test),
            Key::OccurredAt => self.occurred.narrow(test),
            Key::Text => {
                if let Test::Words {
                    words,
                    negated: false,
                } = test
                {
                    self.words.extend(words.iter().cloned());
                }
            }
            Key::Fingerprint if !test.is_negated() => {
                let whole = test.whole().and_then(|text| text.parse().ok());
                self.fingerprint = whole.or(self.fingerprint);
            }
            Key::Fingerprint | Key::Subject | Key::Body | Key::Field(_) => {}
        }
    }

    fn add_severity(&mut self, test: &Test) {
        const ALL: [Severity; 5] = [
            Severity::Info,
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ];
        keep(&mut self.severities, &ALL, |one| match test {
            Test::Order {
                order,
                bound: Bound::Severity(bound),
            } => order.holds(one.cmp(bound)),
            test => test.admits(&[Cow::Borrowed(one.as_str())]),
        });
    }
}

/// What is left of a closed set of values.
fn keep<T: Copy + PartialEq>(left: &mut Option<Vec<T>>, all: &[T], admits: impl Fn(T) -> bool) {
    left.get_or_insert_with(|| all.to_vec())
        .retain(|one| admits(*one));
}

fn pattern(test: &Test) -> Option<String> {
    match test {
        Test::Equals {
            pattern,
            negated: false,
        } => Some(pattern.to_ascii_lowercase()),
        _ => None,
    }
}

/// A thing that has been removed has no name, so only its whole id can mean it, or leave it out.
fn companies(test: &Test, configuration: &Configuration) -> Option<Among<CompanyId>> {
    let ids = test.may_mean_id();
    let named = configuration.companies().filter(|company| {
        test.admits(&company_words(Some(company.id), ids, configuration)) != test.is_negated()
    });
    let nothing = test.admits(&[Cow::Borrowed(UNASSIGNED)]) != test.is_negated();
    among(test, named.map(|company| company.id), nothing)
}

fn sources(test: &Test, configuration: &Configuration) -> Option<Among<SourceId>> {
    let named = configuration.sources().filter(|source| {
        let words = [
            Cow::Borrowed(source.name.as_str()),
            Cow::Owned(source.id.to_string()),
        ];
        let words = match test.may_mean_id() {
            true => &words[..],
            false => &words[..1],
        };
        test.admits(words) != test.is_negated()
    });
    among(test, named.map(|source| source.id), false)
}

fn among<T: Copy + Ord + std::str::FromStr>(
    test: &Test,
    named: impl Iterator<Item = T>,
    nothing: bool,
) -> Option<Among<T>> {
    let whole = test.whole().and_then(|text| text.parse().ok());
    let mut ids: Vec<T> = named.take(IDS + 1).chain(whole).collect();
    if ids.len() > IDS {
        return None;
    }
    ids.sort_unstable();
    ids.dedup();
    Some(Among {
        ids,
        nothing,
        others: test.is_negated(),
    })
}

impl<T> Among<T> {
    fn is_void(&self) -> bool {
        self.ids.is_empty() && !self.nothing && !self.others
    }
}

impl Span {
    /// Times are whole microseconds, so what comes after one begins a microsecond later.
    fn narrow(&mut self, test: &Test) {
        let Test::Order {
            order,
            bound: Bound::Time(bound),
        } = test
        else {
            return;
        };
        let next = bound.after(Duration::from_micros(1));
        let (from, until) = match order {
            Order::Less => (None, Some(*bound)),
            Order::LessOrEqual => (None, Some(next)),
            Order::Greater => (Some(next), None),
            Order::GreaterOrEqual => (Some(*bound), None),
        };
        self.from = self.from.max(from);
        self.until = match (self.until, until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

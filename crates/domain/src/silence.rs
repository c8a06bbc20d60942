//! Silences: while one holds, the events that fit its filter are kept and counted, and go nowhere.
//!
//! One that repeats is a maintenance window: the span from `from` to `until` comes again each day or week, in UTC.

pub(crate) mod shelves;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::configuration::Configuration;
use crate::filter::Filter;
use crate::matching::Facts;
use crate::{CompanyId, SilenceId, Timestamp};

/// Most silences that have not ended.
pub const SILENCES: usize = 1_000;
/// Most silences altogether: those that have ended are kept for a while.
pub const KEPT: usize = 10_000;
/// Most companies of one silence; more means: all, and a filter.
pub const COMPANIES: usize = 1_000;
/// Longest reason, in characters.
pub const REASON_CHARS: usize = 500;
/// No silence lasts longer, or reaches further ahead: a year, leap day included.
pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// How often a maintenance window comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    Daily,
    Weekly,
}

impl Every {
    pub const ALL: [Self; 2] = [Self::Daily, Self::Weekly];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }

    fn period(self) -> Duration {
        let days = match self {
            Self::Daily => 1,
            Self::Weekly => 7,
        };
        Duration::from_secs(days * 24 * 3_600)
    }
}

/// A window comes again until this time; one that it falls into is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    pub every: Every,
    pub until: Timestamp,
}

/// Which events are muted, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: SilenceId,
    pub name: String,
    pub filter: Filter,
    /// Sorted, without repeats. Empty means all, those added later included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companies: Vec<CompanyId>,
    /// From here on.
    pub from: Timestamp,
    /// Up to here, this moment not included. Of one that repeats: the end of its first window.
    pub until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    pub reason: String,
    pub author: Actor,
    pub created_at: Timestamp,
    /// When a person ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Where a silence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It holds now.
    Active,
    /// It does not hold now and will: not begun, or between two windows.
    Scheduled,
    /// It will never hold again.
    Ended,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Active, Self::Scheduled, Self::Ended];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Scheduled => "scheduled",
            Self::Ended => "ended",
        }
    }
}

/// A stretch of time that a silence holds in; its end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// Times that make no silence: the field at fault, and the rule that it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct TimesError {
    pub field: &'static str,
    pub rule: &'static str,
}

impl Silence {
    /// Whether it holds at this moment.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.window_at(at).is_some()
    }

    /// Whether it mutes this event: it holds when the event came in, and is about its company and about what it says.
    #[must_use]
    pub fn applies(&self, facts: &Facts<'_>, configuration: &Configuration) -> bool {
        self.holds(facts.received_at)
            && self.covers(facts.company)
            && self.filter.matches(facts, configuration)
    }

    /// Whether it is about this company; unassigned events are muted by a silence of all companies alone.
    #[must_use]
    pub fn covers(&self, company: Option<CompanyId>) -> bool {
        self.companies.is_empty()
            || company.is_some_and(|id| self.companies.binary_search(&id).is_ok())
    }

    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        if now >= self.ends() {
            State::Ended
        } else if self.holds(now) {
            State::Active
        } else {
            State::Scheduled
        }
    }

    /// From when on it never holds again.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let planned = match self.repeat {
            None => self.until,
            Some(repeat) => {
                let last = self.start_before(repeat.until.before(Duration::from_micros(1)));
                last.after(self.span()).min(repeat.until)
            }
        };
        self.ended_at.map_or(planned, |ended| ended.min(planned))
    }

    /// The window that it holds in at this moment.
    #[must_use]
    pub fn window_at(&self, at: Timestamp) -> Option<Window> {
        let ends = self.ends();
        if at < self.from || at >= ends {
            return None;
        }
        let from = self.start_before(at);
        let until = from.after(self.span()).min(ends);
        (at < until).then_some(Window { from, until })
    }

    /// The window that it holds in now, else the next one; none when it has ended.
    #[must_use]
    pub fn window_from(&self, now: Timestamp) -> Option<Window> {
        let ends = self.ends();
        if now >= ends {
            return None;
        }
        self.window_at(now).or_else(|| {
            let from = match self.repeat {
                Some(repeat) if now >= self.from => {
                    self.start_before(now).after(repeat.every.period())
                }
                _ => self.from,
            };
            let until = from.after(self.span()).min(ends);
            (from < until).then_some(Window { from, until })
        })
    }

    /// What its times must be when it is made or changed.
    pub fn check(&self, now: Timestamp) -> Result<(), TimesError> {
        let broken = |field, rule| Err(TimesError { field, rule });
        if self.until <= self.from {
            return broken("until", "is after `from`");
        }
        let (last, end) = match self.repeat {
            None => ("until", self.until),
            Some(repeat) => {
                if self.span() > repeat.every.period() {
                    return broken("until", "is not later than when the window comes again");
                }
                if repeat.until < self.until {
                    return broken("repeat_until", "is not before `until`");
                }
                ("repeat_until", repeat.until)
            }
        };
        if end <= now {
            return broken(last, "has passed; a silence ends in the time to come");
        }
        if self.span() > LONGEST || end > now.after(LONGEST) {
            return broken(last, "is at most a year (366 days) ahead");
        }
        Ok(())
    }

    /// As if it had been there all through this stretch of time: how a new one is tried on events of the past.
    /// One that repeats holds in its windows, as it will.
    #[must_use]
    pub fn rehearsed(&self, over: Window) -> Self {
        let Some(repeat) = self.repeat else {
            return Self {
                from: over.from,
                until: over.until,
                ended_at: None,
                ..self.clone()
            };
        };
        let from = self.start_before(self.from.min(over.from));
        Self {
            from,
            until: from.after(self.span()),
            repeat: Some(Repeat {
                until: repeat.until.max(over.until),
                ..repeat
            }),
            ended_at: None,
            ..self.clone()
        }
    }

    fn span(&self) -> Duration {
        self.until.since(self.from)
    }

    /// The beginning of the last window that begins at this moment or before, whether or not it has one there.
    fn start_before(&self, at: Timestamp) -> Timestamp {
        let Some(repeat) = self.repeat else {
            return self.from;
        };
        let period = i64::try_from(repeat.every.period().as_micros()).unwrap_or(i64::MAX);
        let passed = at.micros().saturating_sub(self.from.micros());
        Timestamp::from_micros(at.micros().saturating_sub(passed.rem_euclid(period)))
    }
}

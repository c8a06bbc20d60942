//! Counting: from what was stored to what is added to the figures. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::event::Match;

use super::{Lags, Span};

/// The company's column for all together, and for none.
pub(super) const EVERYONE: [u8; 16] = [0xff; 16];
pub(super) const UNASSIGNED: [u8; 16] = [0; 16];
/// Longest name of a category that is kept, in characters.
const CATEGORY: usize = 100;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    /// Events that came in.
    Event,
    /// Events that were not recognised.
    Unknown,
    /// Events of no company.
    Unassigned,
    /// Attempts that delivered.
    Delivered,
    /// Attempts that failed, and are made again.
    Failed,
    /// Attempts that failed, and were the last.
    Dead,
    /// Events of a category; empty for those that have none.
    Category(String),
    /// Deliveries that took so long, by bucket.
    Lag(u8),
}

impl Measure {
    pub(super) fn column(&self) -> String {
        match self {
            Self::Event => "event".to_owned(),
            Self::Unknown => "unknown".to_owned(),
            Self::Unassigned => "unassigned".to_owned(),
            Self::Delivered => "delivered".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Dead => "dead".to_owned(),
            Self::Category(name) => format!("category:{name}"),
            Self::Lag(bucket) => format!("lag:{bucket}"),
        }
    }

    /// None for what a newer version counts.
    pub(super) fn read(column: &str) -> Option<Self> {
        Some(match column {
            "event" => Self::Event,
            "unknown" => Self::Unknown,
            "unassigned" => Self::Unassigned,
            "delivered" => Self::Delivered,
            "failed" => Self::Failed,
            "dead" => Self::Dead,
            _ => match column.split_once(':')? {
                ("category", name) => Self::Category(name.to_owned()),
                ("lag", bucket) => Self::Lag(bucket.parse().ok()?),
                _ => return None,
            },
        })
    }
}

/// An event as it is counted.
#[derive(Debug)]
pub(crate) struct EventSeen {
    pub(crate) seq: i64,
    pub(crate) company: Option<Vec<u8>>,
    pub(crate) category: Option<String>,
    pub(crate) matched: String,
    pub(crate) received_at: i64,
}

/// An attempt as it is counted; without a company when its delivery was pruned meanwhile.
#[derive(Debug)]
pub(crate) struct AttemptSeen {
    pub(crate) seq: i64,
    pub(crate) company: Option<Vec<u8>>,
    /// When its delivery was made.
    pub(crate) made_at: i64,
    pub(crate) ended_at: i64,
    pub(crate) outcome: String,
    /// Its delivery is dead, and no later attempt was made.
    pub(crate) dead: bool,
}

/// What is added to one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) company: [u8; 16],
    pub(crate) span: i32,
    pub(crate) what: String,
    pub(crate) at: i64,
}

/// Sums by row, in the order of the rows, so that two nodes that write do not wait for each other in a ring.
#[derive(Debug)]
pub(crate) struct Tally {
    now: Timestamp,
    sums: BTreeMap<Key, i64>,
}

impl Tally {
    /// What is older than a span keeps by now is not counted in that span.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            sums: BTreeMap::new(),
        }
    }

    pub(crate) fn event(&mut self, event: &EventSeen) {
        let company = column(event.company.as_deref());
        let at = Timestamp::from_micros(event.received_at);
        let category = event.category.as_deref().unwrap_or_default();
        let category = category.chars().take(CATEGORY).collect();
        self.add(company, at, &Measure::Event);
        self.add(company, at, &Measure::Category(category));
        if event.matched == Match::None.as_str() {
            self.add(company, at, &Measure::Unknown);
        }
        if event.company.is_none() {
            self.add(company, at, &Measure::Unassigned);
        }
    }

    pub(crate) fn attempt(&mut self, attempt: &AttemptSeen) {
        let Some(company) = &attempt.company else {
            return;
        };
        let company = column(Some(company));
        let at = Timestamp::from_micros(attempt.ended_at);
        if attempt.outcome != "delivered" {
            let measure = if attempt.dead {
                Measure::Dead
            } else {
                Measure::Failed
            };
            self.add(company, at, &measure);
            return;
        }
        let lag = Duration::from_micros(
            attempt
                .ended_at
                .saturating_sub(attempt.made_at)
                .max(0)
                .unsigned_abs(),
        );
        self.add(company, at, &Measure::Delivered);
        self.add(company, at, &Measure::Lag(Lags::bucket(lag)));
    }

    fn add(&mut self, company: [u8; 16], at: Timestamp, measure: &Measure) {
        for span in Span::ALL {
            let begin = span.begin(at);
            if begin < span.oldest(self.now) {
                continue;
            }
            for company in [company, EVERYONE] {
                let key = Key {
                    company,
                    span: span.seconds(),
                    what: measure.column(),
                    at: begin.micros(),
                };
                *self.sums.entry(key).or_default() += 1;
            }
        }
    }

    pub(crate) fn into_sums(self) -> Vec<(Key, i64)> {
        self.sums.into_iter().collect()
    }
}

fn column(company: Option<&[u8]>) -> [u8; 16] {
    company
        .and_then(|company| company.try_into().ok())
        .unwrap_or(UNASSIGNED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_read_as_it_was_written() {
        let all = [
            Measure::Event,
            Measure::Unknown,
            Measure::Unassigned,
            Measure::Delivered,
            Measure::Failed,
            Measure::Dead,
            Measure::Category("Problems: a:b".to_owned()),
            Measure::Category(String::new()),
            Measure::Lag(63),
        ];
        for measure in all {
            assert_eq!(Measure::read(&measure.column()), Some(measure));
        }
        assert_eq!(Measure::read("later:1"), None);
    }

    #[test]
    fn an_old_event_counts_in_the_spans_that_are_kept_for_so_long() {
        let now: Timestamp = "2026-11-27T12:34:56Z".parse().unwrap();
        let mut tally = Tally::new(now);
        tally.event(&EventSeen {
            seq: 1,
            company: None,
            category: None,
            matched: "full".to_owned(),
            received_at: now.before(Duration::from_secs(10 * 86_400)).micros(),
        });
        let spans: Vec<_> = tally.into_sums().iter().map(|(key, _)| key.span).collect();
        assert!(spans.contains(&86_400) && spans.contains(&21_600));
        assert!(!spans.contains(&60) && !spans.contains(&3_600));
    }
}

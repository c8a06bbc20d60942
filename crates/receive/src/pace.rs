//! How fast the messages of a source may come, where it has a limit: one sender that loops must not take what the others need.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use delivery::Rate;
use domain::source::{Source, SourceRate};
use domain::{SourceId, Timestamp};

/// Most sources whose pace is remembered. Beyond it all are forgotten, which lets each bring one more bunch.
const SOURCES: usize = 10_000;

/// The paces of the sources that have a limit, on this node.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    of: Mutex<HashMap<SourceId, (SourceRate, Rate)>>,
}

/// What a sender may be told of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub limit: SourceRate,
    /// Messages that may come now.
    pub left: u32,
    /// When as many may come at once as ever.
    pub full_in: Duration,
}

/// A message that came too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast {
    pub pace: Pace,
    pub wait: Duration,
}

impl Paces {
    /// Takes one message of the source; none is told of a source without a limit, for which no lock is taken either.
    pub(crate) fn take(&self, source: &Source, now: Timestamp) -> Result<Option<Pace>, TooFast> {
        let Some(limit) = source.limits.rate else {
            return Ok(None);
        };
        let mut paces = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= SOURCES && !paces.contains_key(&source.id) {
            paces.clear();
        }
        let fresh = || (limit, Rate::with_burst(limit.per_second, limit.burst, now));
        let known = paces.entry(source.id).or_insert_with(fresh);
        if known.0 != limit {
            *known = fresh();
        }
        let taken = known.1.take(now);
        let (left, full_in) = known.1.left();
        let pace = Pace {
            limit,
            left,
            full_in,
        };
        match taken {
            Ok(()) => Ok(Some(pace)),
            Err(until) => Err(TooFast {
                pace,
                wait: until.since(now),
            }),
        }
    }
}

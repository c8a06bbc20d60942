//! What each source has brought since this node started: for whoever wants to see whether a sender gets through. Counted in
//! memory alone, so that nothing is added to the way of a message.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use domain::{SourceId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// Most sources that are counted; those beyond it show nothing.
const SOURCES: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Tallies {
    of: RwLock<HashMap<SourceId, Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    counts: [AtomicU64; 3],
    /// Microseconds; 0 is never.
    last: [AtomicI64; 3],
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Accepted,
    Duplicate,
    Refused,
}

/// What a source has brought to this node since it started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityView {
    /// When the last message came that was let in.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_seen_at: Option<Timestamp>,
    /// When the last one was turned away: wrong credentials, too large, too fast.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_refused_at: Option<Timestamp>,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
}

impl Tallies {
    pub(crate) fn note(&self, source: SourceId, ending: Ending, now: Timestamp) {
        let of = self.of.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = of.get(&source) {
            return tally.add(ending, now);
        }
        drop(of);
        let mut of = self.of.write().unwrap_or_else(PoisonError::into_inner);
        if of.len() < SOURCES || of.contains_key(&source) {
            of.entry(source).or_default().add(ending, now);
        }
    }

    pub(crate) fn view(&self, source: SourceId) -> ActivityView {
        let of = self.of.read().unwrap_or_else(PoisonError::into_inner);
        let (none, known) = (Tally::default(), of.get(&source));
        let tally = known.unwrap_or(&none);
        let count = |ending: Ending| tally.counts[ending as usize].load(Ordering::Relaxed);
        let last = |ending: Ending| tally.last[ending as usize].load(Ordering::Relaxed);
        let time = |micros: i64| (micros != 0).then(|| Timestamp::from_micros(micros));
        ActivityView {
            last_seen_at: time(last(Ending::Accepted).max(last(Ending::Duplicate))),
            last_refused_at: time(last(Ending::Refused)),
            accepted: count(Ending::Accepted),
            duplicates: count(Ending::Duplicate),
            refused: count(Ending::Refused),
        }
    }
}

impl Tally {
    fn add(&self, ending: Ending, now: Timestamp) {
        let place = ending as usize;
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.last[place].store(now.micros(), Ordering::Relaxed);
    }
}

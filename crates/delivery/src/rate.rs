//! How many requests an integration begins in a second, how many events a company brings, and how waiting work comes back
//! after an outage.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::Timestamp;

/// Parts of one request: with as many as a second has microseconds, each of these brings `per_second` parts, without rounding.
const PARTS: i64 = 1_000_000;
/// The bucket holds a fiftieth of a second's requests, so that whoever sleeps a little too long loses nothing.
const BUCKET: u32 = 50;
/// How long recovery takes to reach its full pace, and the share of it that it begins with.
const WARM_UP: f64 = 10.0;
const BEGIN: f64 = 0.1;

/// A token bucket that lets no second, wherever it begins, see more than `per_second` requests: what the bucket holds at
/// the start of a second is taken from what flows in during it.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Requests that flow in within a second.
    flow: u64,
    /// Most parts that it holds.
    capacity: i64,
    /// Below zero is what a large bunch still owes.
    parts: i64,
    seen: Timestamp,
}

impl Rate {
    #[must_use]
    pub fn new(per_second: NonZeroU32, now: Timestamp) -> Self {
        let bucket = (per_second.get() / BUCKET).max(1);
        Self::with(bucket, per_second.get() - (bucket - 1), now)
    }

    /// The other kind of limit, for what comes in bunches: a whole second's worth may come at once, and in the long run
    /// there are `per_second`.
    #[must_use]
    pub fn in_bunches(per_second: NonZeroU32, now: Timestamp) -> Self {
        Self::with(per_second.get(), per_second.get(), now)
    }

    /// Bunches of another size than a second's worth.
    #[must_use]
    pub fn with_burst(per_second: NonZeroU32, burst: NonZeroU32, now: Timestamp) -> Self {
        Self::with(burst.get(), per_second.get(), now)
    }

    /// How many could be taken at the time of the last taking, and how long until the bucket is full again.
    #[must_use]
    pub fn left(&self) -> (u32, Duration) {
        let whole = u32::try_from(self.parts.max(0) / PARTS).unwrap_or(u32::MAX);
        let missing = (self.capacity - self.parts).unsigned_abs();
        (whole, Duration::from_micros(missing.div_ceil(self.flow)))
    }

    fn with(bucket: u32, flow: u32, now: Timestamp) -> Self {
        let capacity = i64::from(bucket) * PARTS;
        Self {
            flow: u64::from(flow),
            capacity,
            parts: capacity,
            seen: now,
        }
    }

    /// Takes one request, or says when there is one.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.take_many(1, now)
    }

    /// Takes a bunch, all or none, or says when it may come. One that is larger than the bucket takes a full one, and the
    /// rest is owed: nothing passes until that has flowed in.
    pub fn take_many(&mut self, count: u32, now: Timestamp) -> Result<(), Timestamp> {
        let passed = u64::try_from(now.since(self.seen).as_micros()).unwrap_or(u64::MAX);
        let flowed = i64::try_from(passed.saturating_mul(self.flow)).unwrap_or(i64::MAX);
        self.parts = self.parts.saturating_add(flowed).min(self.capacity);
        // A clock that went back brings nothing, and is followed from where it is now.
        self.seen = now;
        let bunch = i64::from(count) * PARTS;
        let missing = bunch.min(self.capacity) - self.parts;
        if missing <= 0 {
            self.parts -= bunch;
            return Ok(());
        }
        Err(now.after(Duration::from_micros(
            missing.unsigned_abs().div_ceil(self.flow),
        )))
    }
}

/// When the `index`-th of many waiting deliveries is pulled forward to: slowly at first, for the receiver has only just
/// come back, then `per_second` of them.
#[must_use]
pub fn ramped(index: u32, per_second: NonZeroU32, now: Timestamp) -> Timestamp {
    let (index, full) = (f64::from(index), f64::from(per_second.get()));
    let begin = full * BEGIN;
    let warm = WARM_UP * (begin + full) / 2.0;
    let seconds = if index >= warm {
        WARM_UP + (index - warm) / full
    } else {
        // The pace rises evenly, so the count rises with the square of the time.
        let rise = (full - begin) / WARM_UP;
        ((begin * begin + 2.0 * rise * index).sqrt() - begin) / rise
    };
    now.after(Duration::from_secs_f64(seconds))
}

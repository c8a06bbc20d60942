//! How fast an integration sends what has piled up once its receiver is back: up to five times what is normal for it, and
//! slowly at first (reliability.md, F9).
//!
//! What is normal is what piled up, by the time in which it did. The pace is given up when everything is out, and at the
//! latest after half as long as the outage lasted: more than two outages' worth has gone out by then, so whatever still
//! waits came in faster than before.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::Timestamp;

use crate::rate::ramped;

/// How many times its normal rate an integration sends at while it recovers.
pub const TIMES: u64 = 5;
/// The least full pace, for integrations whose normal rate is next to nothing; in a second.
pub const LEAST: u32 = 5;
/// The most, which is that of an integration's own setting; in a second.
const MOST: u64 = 1_000_000;
/// The pace is kept for this long at least.
const SHORTEST: Duration = Duration::from_secs(60);
/// Turns that were not used for longer than this are not made up for.
const SLACK: Duration = Duration::from_millis(250);

/// The pace of one recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    per_second: NonZeroU32,
    begun: Timestamp,
    ends: Timestamp,
    sent: u32,
}

impl Recovery {
    /// So many deliveries piled up since then.
    #[must_use]
    pub fn new(piled_up: usize, since: Timestamp, now: Timestamp) -> Self {
        let outage = now.since(since).max(Duration::from_secs(1));
        let micros = u64::try_from(outage.as_micros()).unwrap_or(u64::MAX);
        let piled_up = u64::try_from(piled_up).unwrap_or(u64::MAX);
        let full = piled_up.saturating_mul(TIMES * 1_000_000) / micros;
        let full = u32::try_from(full.min(MOST)).unwrap_or(u32::MAX);
        Self {
            per_second: NonZeroU32::MIN.saturating_add(full.max(LEAST) - 1),
            begun: now,
            ends: now.after(SHORTEST.max(outage / 2)),
            sent: 0,
        }
    }

    /// The full pace, in a second.
    #[must_use]
    pub fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends || now < self.begun
    }

    /// When the next one may be sent.
    #[must_use]
    pub fn turn(&self) -> Timestamp {
        ramped(self.sent, self.per_second, self.begun)
    }

    /// Takes the turn of one, or says when there is one.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let turn = self.turn();
        if turn > now {
            return Err(turn);
        }
        let unused = now.since(turn.after(SLACK));
        self.begun = self.begun.after(unused);
        self.sent = self.sent.saturating_add(1);
        Ok(())
    }
}

//! Sending many again: what is meant for each of them, at which pace they go, and what a person may ask of the job.
//!
//! A job takes what it listed when it was made and nothing else. What ended differently meanwhile is passed over:
//! each is acted on only while the same is meant for it as when it was listed ([`still`]).

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rate::Rate;
use crate::state::Status;

/// Most items of one job.
pub const ITEMS: u32 = 1_000_000;
/// Most jobs that have not ended, over all callers.
pub const UNFINISHED: u32 = 8;
/// Items in a second, unless told.
pub const RATE: NonZeroU32 = NonZeroU32::new(50).expect("it is not zero");
/// Events that are read again in a second, unless told: nothing is sent, so only the database has to keep up.
pub const REREAD_RATE: NonZeroU32 = NonZeroU32::new(1_000).expect("it is not zero");
/// Findings of an import in a second: so fast the store raises them beside what comes in.
pub const IMPORT_RATE: NonZeroU32 = NonZeroU32::new(2_000).expect("it is not zero");
/// Most items in a second.
pub const MOST_RATE: u32 = 10_000;
/// Most items of one transaction, and how far ahead their due times reach: so long does it take until a pause is felt.
const BATCH: usize = 200;
const AHEAD: Duration = Duration::from_secs(1);

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Running,
    Paused,
    Cancelled,
    Done,
    /// It cannot go on; its error says why.
    Failed,
}

/// What a person asks of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    Pause,
    Resume,
    Cancel,
}

/// What is meant for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meant {
    /// Due again, under its own id.
    Retry,
    /// A new delivery, under a new id.
    New,
    /// An unrouted event is matched again.
    Route,
    /// An event is read again.
    Read,
}

/// A delivery as it is found, when it is listed and again when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub status: Status,
    /// It waits for further events and goes out by itself.
    pub is_open: bool,
    pub is_sealed: bool,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub total: u64,
    pub done: u64,
    /// Passed over: it had ended differently, had a delivery there already, or goes nowhere by today's rules.
    pub skipped: u64,
    pub failed: u64,
}

/// What the worker of a job does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The next items, one a due time, in one transaction.
    Work {
        due: Vec<Timestamp>,
    },
    Wait {
        until: Timestamp,
    },
    /// Nothing is left.
    Finish,
}

/// A running job: how many items are left and at which pace they go.
#[derive(Debug, Clone)]
pub struct Replay {
    rate: Rate,
    /// The due time of the next item.
    at: Timestamp,
    cursor: u64,
    size: u64,
}

impl JobState {
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Paused,
        Self::Cancelled,
        Self::Done,
        Self::Failed,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Paused)
    }

    /// The state after what was asked; none when it has ended and nothing can be asked of it any more.
    /// Asking twice for the same is no fault.
    #[must_use]
    pub fn after(self, asked: Asked) -> Option<Self> {
        match (self, asked) {
            (Self::Cancelled, Asked::Cancel) => Some(self),
            _ if self.has_ended() => None,
            (_, Asked::Pause) => Some(Self::Paused),
            (_, Asked::Resume) => Some(Self::Running),
            (_, Asked::Cancel) => Some(Self::Cancelled),
        }
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a state of a job"))
    }
}

impl Asked {
    /// The word of the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a job means to do with a delivery that it lists; none when it passes it over. `elsewhere`: to another integration,
/// which gets the frozen bytes whatever became of them here.
#[must_use]
pub fn meant(found: Found, elsewhere: bool) -> Option<Meant> {
    match found.status {
        _ if found.is_open => None,
        _ if elsewhere => found.is_sealed.then_some(Meant::New),
        Status::Delivered => Some(Meant::New),
        Status::Pending | Status::Dead => Some(Meant::Retry),
    }
}

/// Whether the same is still meant for a delivery, now that its turn has come.
#[must_use]
pub fn still(listed: Meant, found: Found, elsewhere: bool) -> bool {
    meant(found, elsewhere) == Some(listed)
}

impl Progress {
    #[must_use]
    pub fn left(&self) -> u64 {
        self.total
            .saturating_sub(self.done)
            .saturating_sub(self.skipped)
            .saturating_sub(self.failed)
    }

    /// When it will be through, at this pace and without a pause.
    #[must_use]
    pub fn through_at(&self, per_second: NonZeroU32, now: Timestamp) -> Timestamp {
        let micros = self
            .left()
            .saturating_mul(1_000_000)
            .div_ceil(u64::from(per_second.get()));
        now.after(Duration::from_micros(micros))
    }
}

impl Replay {
    #[must_use]
    pub fn new(cursor: u64, size: u64, per_second: NonZeroU32, now: Timestamp) -> Self {
        Self {
            rate: Rate::new(per_second, now),
            at: now,
            cursor,
            size,
        }
    }

    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// What to do now. Due times that it gave and that came to nothing are lost, which costs time and no item.
    pub fn next(&mut self, now: Timestamp) -> Step {
        if self.cursor >= self.size {
            return Step::Finish;
        }
        if self.at.since(now) > AHEAD {
            // The clock went back.
            self.at = now;
        }
        if self.at > now {
            return Step::Wait { until: self.at };
        }
        // A worker that comes late begins from where it is: what it missed is no burst.
        self.at = now;
        let (end, left) = (now.after(AHEAD), self.size - self.cursor);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(BATCH);
        let mut due = Vec::with_capacity(most);
        while due.len() < most && self.at < end {
            match self.rate.take(self.at) {
                Ok(()) => due.push(self.at),
                Err(until) => self.at = until,
            }
        }
        if due.is_empty() {
            return Step::Wait { until: self.at };
        }
        Step::Work { due }
    }

    /// So many items were written.
    pub fn worked(&mut self, items: u64) {
        self.cursor = self.cursor.saturating_add(items).min(self.size);
    }
}

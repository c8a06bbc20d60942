//! The state of one delivery, as its row holds it.

use std::time::Duration;

use domain::Timestamp;
use domain::integration::{DeliverySettings, Schedule};
use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};

use crate::outcome::{Cause, Outcome};

/// How far jitter moves a wait, as a share of it, both ways.
const JITTER: f64 = 0.2;
/// A delivery that was held for longer is dead.
pub const LONGEST_HOLD: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Where a delivery stands. *Parked* is derived: pending at an integration that does not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Delivered,
    Dead,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pending, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a delivery status"))
    }
}

/// Why a delivery was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// The schedule is spent.
    Exhausted,
    /// The receiver answered 410.
    Gone,
    /// Its integration did not send for thirty days.
    HeldTooLong,
    /// Its integration was removed.
    Removed,
    /// The stored bytes no longer have the hash that was sealed with them.
    Corrupt,
    /// A person wanted it no more.
    Cancelled,
}

/// Whose fault a dead delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Receiver,
    Ours,
}

impl Fault {
    pub const ALL: [Self; 2] = [Self::Receiver, Self::Ours];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Ours => "ours",
        }
    }

    /// The reasons that are put down to it.
    pub fn reasons(self) -> impl Iterator<Item = DeadReason> {
        DeadReason::ALL
            .into_iter()
            .filter(move |reason| reason.fault() == Some(self))
    }
}

impl std::str::FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.as_str() == text)
            .ok_or_else(|| format!("`{text}` is nobody's fault; take receiver or ours"))
    }
}

impl DeadReason {
    pub const ALL: [Self; 6] = [
        Self::Exhausted,
        Self::Gone,
        Self::HeldTooLong,
        Self::Removed,
        Self::Corrupt,
        Self::Cancelled,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Gone => "gone",
            Self::HeldTooLong => "held_too_long",
            Self::Removed => "removed",
            Self::Corrupt => "corrupt",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whose fault it is; none where a person wanted it so.
    #[must_use]
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Exhausted | Self::Gone => Some(Fault::Receiver),
            Self::HeldTooLong | Self::Removed | Self::Corrupt => Some(Fault::Ours),
            Self::Cancelled => None,
        }
    }
}

impl std::str::FromStr for DeadReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a reason for a dead delivery"))
    }
}

/// One delivery's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub status: Status,
    /// Attempts spent.
    pub attempts: u32,
    pub due_at: Timestamp,
    /// The receiver's `Retry-After`: nothing pulls `due_at` before it.
    pub not_before: Option<Timestamp>,
    /// Since when the integration did not send it.
    pub parked_since: Option<Timestamp>,
    pub reason: Option<DeadReason>,
}

/// What to do with a delivery now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Send,
    Wait { until: Timestamp },
    Done,
    GiveUp(DeadReason),
}

impl Delivery {
    #[must_use]
    pub fn new(due_at: Timestamp) -> Self {
        Self {
            status: Status::Pending,
            attempts: 0,
            due_at,
            not_before: None,
            parked_since: None,
            reason: None,
        }
    }

    /// What to do now. Asks nothing but its own state.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Step {
        match (self.status, self.reason) {
            (Status::Delivered, _) => Step::Done,
            (Status::Dead, reason) => Step::GiveUp(reason.unwrap_or(DeadReason::Exhausted)),
            (Status::Pending, _) if self.held_too_long(now) => {
                Step::GiveUp(DeadReason::HeldTooLong)
            }
            (Status::Pending, _) if self.due_at > now => Step::Wait { until: self.due_at },
            (Status::Pending, _) => Step::Send,
        }
    }

    /// Takes in what an attempt came to. A schedule that was shortened meanwhile ends it with its next failure.
    pub fn observe(
        &mut self,
        outcome: &Outcome,
        settings: &DeliverySettings,
        now: Timestamp,
        rng: &mut impl Rng,
    ) {
        match outcome {
            Outcome::Delivered { .. } => {
                self.attempts = self.attempts.saturating_add(1);
                self.status = Status::Delivered;
                self.parked_since = None;
            }
            Outcome::Failed { cause, retry_after } => {
                self.attempts = self.attempts.saturating_add(1);
                self.parked_since = None;
                self.after_failure(cause, *retry_after, &settings.schedule, now, rng);
            }
            Outcome::Held(_) => self.parked_since = self.parked_since.or(Some(now)),
        }
    }

    fn after_failure(
        &mut self,
        cause: &Cause,
        retry_after: Option<Duration>,
        schedule: &Schedule,
        now: Timestamp,
        rng: &mut impl Rng,
    ) {
        let spent = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        match schedule.waits().get(spent) {
            _ if cause.is_gone() => self.give_up(DeadReason::Gone),
            None => self.give_up(DeadReason::Exhausted),
            Some(wait) => {
                self.not_before = retry_after.map(|wait| now.after(wait));
                let due_at = now.after(jitter(*wait, rng));
                self.due_at = self
                    .not_before
                    .map_or(due_at, |not_before| due_at.max(not_before));
            }
        }
    }

    /// Ends it as dead.
    pub fn give_up(&mut self, reason: DeadReason) {
        self.status = Status::Dead;
        self.reason = Some(reason);
    }

    fn held_too_long(&self, now: Timestamp) -> bool {
        self.parked_since
            .is_some_and(|since| now.since(since) >= LONGEST_HOLD)
    }

    /// Makes it due earlier, but never before what the receiver asked for; what has ended stays as it is.
    pub fn pull_forward(&mut self, to: Timestamp) {
        if self.status != Status::Pending {
            return;
        }
        let to = self.not_before.map_or(to, |not_before| to.max(not_before));
        self.due_at = self.due_at.min(to);
    }

    /// After a step of the clock: no due time lies beyond the longest wait there is (decisions.md 15).
    pub fn clamp(&mut self, now: Timestamp) {
        self.due_at = self.due_at.min(now.after(Schedule::LONGEST_WAIT));
        self.not_before = self
            .not_before
            .map(|not_before| not_before.min(now.after(crate::retry_after::CAP)));
    }

    /// A person asks for it now: whatever it waited for is over, and its schedule begins anew. Its `webhook-id` stays.
    pub fn retry_by_hand(&mut self, now: Timestamp) {
        *self = Self::new(now);
    }
}

/// A wait moved by up to a fifth, both ways, but not beyond the longest wait there is; no wait stays none.
fn jitter(wait: Duration, rng: &mut impl Rng) -> Duration {
    if wait.is_zero() {
        return wait;
    }
    wait.mul_f64(rng.random_range(1.0 - JITTER..=1.0 + JITTER))
        .min(Schedule::LONGEST_WAIT)
}

//! The gate of an integration: whether anything may be sent to it now. One mechanism for breaker, failing login and auto-disable.
//!
//! ```text
//! Admitting --10 failures in a row--> Resting --rest is over, one try--> Probing --2xx--> Admitting
//!                                        ^-------------- it fails, longer rest --'
//! any --410, five days of failing, login fails, address blocked, secrets missing--> Held
//! Held for login, address or secrets --one try now and then--> 2xx: Admitting; else Held, longer
//! any --a person opens it--> Opened --its owner hears of it--> Admitting
//! ```
//!
//! Every failure counts, whatever its status: a single alert that a receiver dislikes is followed by others that it takes,
//! and each success starts the count anew. What was in flight when a hold began tells nothing about it: else eight attempts
//! that fail by one and the same login would lengthen the hold eight times.

use std::time::Duration;

use domain::Timestamp;
use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// Failures in a row after which an integration rests.
pub const FAILURES: u32 = 10;
/// The first rest; each further one is twice as long, up to the longest.
pub const FIRST_REST: Duration = Duration::from_secs(30);
pub const LONGEST_REST: Duration = Duration::from_secs(15 * 60);
/// The longest rest with its jitter. A time beyond it was left by a clock that has been set back since, and is not waited for.
const FARTHEST: Duration = Duration::from_secs(LONGEST_REST.as_secs() * 6 / 5);
/// An integration that only failed for this long, and often enough to rest, is held until a person looks.
pub const FAILING_TOO_LONG: Duration = Duration::from_secs(5 * 24 * 3_600);

/// The machine's view of an integration. A person's switch is another thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Sends. `failures` in a row, the first of them at `failing_since`.
    Admitting {
        failures: u32,
        failing_since: Option<Timestamp>,
    },
    /// Sends nothing until then.
    Resting {
        until: Timestamp,
        rests: u32,
        failing_since: Option<Timestamp>,
    },
    /// One try is under way that decides.
    Probing {
        rests: u32,
        failing_since: Option<Timestamp>,
    },
    /// Sends. A person has opened it, and what waits for a later try has not been pulled forward yet; nothing got through
    /// since then, as far as is known.
    Opened { since: Timestamp },
    /// Sends nothing for a reason that waiting alone does not mend; `probe_at` is when it is tried again, for those that may.
    Held {
        reason: HoldReason,
        since: Timestamp,
        probe_at: Option<Timestamp>,
        probes: u32,
    },
}

/// Why a gate is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// The authentication URL gives no token.
    Login,
    /// The receiver answered 410.
    Gone,
    /// Five days without a success.
    FailingTooLong,
    /// The egress policy refuses the address.
    BlockedAddress,
    /// The sealing key that its secrets were sealed with is not here.
    SecretsMissing,
}

impl HoldReason {
    /// All of them; `docs/errors.md` has a section for each.
    pub const ALL: [Self; 5] = [
        Self::Login,
        Self::Gone,
        Self::FailingTooLong,
        Self::BlockedAddress,
        Self::SecretsMissing,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Gone => "gone",
            Self::FailingTooLong => "failing_too_long",
            Self::BlockedAddress => "blocked_address",
            Self::SecretsMissing => "secrets_missing",
        }
    }

    /// In words, for `status_reason`.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Login => {
                "the authentication URL gives no token; deliveries wait and it is tried again"
            }
            Self::Gone => "the receiver answered 410 Gone",
            Self::FailingTooLong => "nothing was delivered for five days",
            Self::BlockedAddress => {
                "blocked by egress policy; deliveries wait and it is tried again"
            }
            Self::SecretsMissing => {
                "its secrets were sealed with another key: bring that key back or type them again"
            }
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Login => "Check the authentication URL, the username and the password.",
            Self::Gone => {
                "Enter the URL of a webhook that still exists, or release the integration when the receiver is back."
            }
            Self::FailingTooLong => {
                "Mend the receiver, check the integration, then release it: what waits is delivered."
            }
            Self::BlockedAddress => {
                "The address is not public. Whoever runs Alertwire can allow it under egress.allow in the configuration file."
            }
            Self::SecretsMissing => {
                "Start Alertwire with the key file that the secrets were sealed with, or type the secrets again."
            }
        }
    }

    /// Whether the hold may end by itself, for it is tried again now and then; the others wait for a person.
    #[must_use]
    pub fn is_paused(self) -> bool {
        matches!(
            self,
            Self::Login | Self::BlockedAddress | Self::SecretsMissing
        )
    }
}

/// Whether a delivery may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Yes,
    /// One, and its outcome decides.
    Probe,
    /// Not before then; without a time, not before something else happens.
    No {
        until: Option<Timestamp>,
    },
}

/// What an outcome did to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateChange {
    None,
    /// It counts differently but still admits.
    Counted,
    Rested,
    Held(HoldReason),
    /// It admits again: waiting retries are pulled forward, ramped.
    Recovered,
}

impl Default for Gate {
    fn default() -> Self {
        Self::Admitting {
            failures: 0,
            failing_since: None,
        }
    }
}

impl Gate {
    /// Whether something may be sent, with so many attempts in flight.
    #[must_use]
    pub fn admits(&self, now: Timestamp, in_flight: usize) -> Admission {
        let probe_at = match self {
            Self::Admitting { .. } | Self::Opened { .. } => return Admission::Yes,
            Self::Resting { until, .. } => *until,
            // A probe that was under way when the process ended is simply made again.
            Self::Probing { .. } => now,
            Self::Held {
                probe_at: Some(probe_at),
                ..
            } => *probe_at,
            Self::Held { probe_at: None, .. } => return Admission::No { until: None },
        };
        match (is_over(probe_at, now), in_flight) {
            (true, 0) => Admission::Probe,
            (true, _) => Admission::No { until: None },
            (false, _) => Admission::No {
                until: Some(probe_at),
            },
        }
    }

    /// A probe begins.
    pub fn probe(&mut self) {
        if let Self::Resting {
            rests,
            failing_since,
            ..
        } = *self
        {
            *self = Self::Probing {
                rests,
                failing_since,
            };
        }
    }

    /// Takes in what an attempt came to.
    pub fn observe(&mut self, outcome: &Outcome, now: Timestamp, rng: &mut impl Rng) -> GateChange {
        match outcome {
            Outcome::Delivered { .. } => self.succeeded(now),
            Outcome::Failed { cause, .. } if cause.is_gone() => self.hold(HoldReason::Gone, now),
            Outcome::Failed { .. } => self.failed(now, rng),
            Outcome::Held(reason) => self.hold(*reason, now),
        }
    }

    fn succeeded(&mut self, now: Timestamp) -> GateChange {
        match self {
            Self::Admitting { failures: 0, .. } => GateChange::None,
            Self::Admitting { .. } | Self::Opened { .. } => {
                *self = Self::default();
                GateChange::Counted
            }
            Self::Held { .. } if !self.hears(now) => GateChange::None,
            Self::Resting { .. } | Self::Probing { .. } | Self::Held { .. } => {
                *self = Self::default();
                GateChange::Recovered
            }
        }
    }

    fn failed(&mut self, now: Timestamp, rng: &mut impl Rng) -> GateChange {
        let (failures, rests, since) = match *self {
            Self::Admitting {
                failures,
                failing_since,
            } => (failures.saturating_add(1), 0, failing_since),
            Self::Probing {
                rests,
                failing_since,
            } => (FAILURES, rests, failing_since),
            Self::Opened { .. } => (1, 0, None),
            // What was in flight when the rest began tells nothing new.
            Self::Resting { .. } => return GateChange::None,
            // The login or the address is good again, the receiver is not: from here on it counts like any failure.
            Self::Held { .. } if self.hears(now) => (1, 0, None),
            Self::Held { .. } => return GateChange::None,
        };
        let since = since.unwrap_or(now).min(now);
        if failures < FAILURES {
            *self = Self::Admitting {
                failures,
                failing_since: Some(since),
            };
            return GateChange::Counted;
        }
        // Not before it would rest: two failures a week apart are no week of failing.
        if now.since(since) >= FAILING_TOO_LONG {
            return self.hold(HoldReason::FailingTooLong, now);
        }
        let (until, rests) = (now.after(rest(rests, rng)), rests.saturating_add(1));
        *self = Self::Resting {
            until,
            rests,
            failing_since: Some(since),
        };
        GateChange::Rested
    }

    /// Holds it. Held for that reason already, it is held longer when it was time to look again, and else as it was.
    pub fn hold(&mut self, reason: HoldReason, now: Timestamp) -> GateChange {
        let (held_since, probes) = match *self {
            Self::Held { reason: known, .. } if !known.is_paused() => return GateChange::None,
            Self::Held {
                reason: known,
                probe_at: Some(_),
                ..
            } if known == reason && !self.hears(now) => {
                return GateChange::None;
            }
            Self::Held {
                reason: known,
                since,
                probes,
                ..
            } if known == reason => (since, probes.saturating_add(1)),
            _ => (now, 0),
        };
        let probe_at = reason
            .is_paused()
            .then(|| now.after(doubled(FIRST_REST, probes)));
        *self = Self::Held {
            reason,
            since: held_since,
            probe_at,
            probes,
        };
        if probes == 0 {
            GateChange::Held(reason)
        } else {
            GateChange::Counted
        }
    }

    /// Whether an outcome of now may change a hold: only that of a probe, so from the time on that it was due.
    fn hears(&self, now: Timestamp) -> bool {
        matches!(self, Self::Held { probe_at: Some(probe_at), .. } if is_over(*probe_at, now))
    }

    /// A person looked: it admits again, whatever it was.
    pub fn release(&mut self, now: Timestamp) {
        if !matches!(self, Self::Opened { .. }) {
            let since = self.since().unwrap_or(now).min(now);
            *self = Self::Opened { since };
        }
    }

    /// A person switched its integration on again. What holds it back still does.
    pub fn switched_on(&mut self, now: Timestamp) {
        if let Self::Admitting { .. } = self {
            self.release(now);
        }
    }

    /// Its owner has heard that a person opened it, and pulls forward what waits; tells since when nothing got through.
    pub fn heard(&mut self) -> Option<Timestamp> {
        match *self {
            Self::Opened { since } => {
                *self = Self::default();
                Some(since)
            }
            _ => None,
        }
    }

    /// The reason it is held for, if it is.
    #[must_use]
    pub fn held(&self) -> Option<HoldReason> {
        match self {
            Self::Held { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// Failures in a row since the last success, as far as the gate counts them: what was in flight when a rest began is not told.
    #[must_use]
    pub fn failures(&self) -> u32 {
        match self {
            Self::Admitting { failures, .. } => *failures,
            Self::Resting { rests, .. } => FAILURES.saturating_add(rests.saturating_sub(1)),
            Self::Probing { rests, .. } => FAILURES.saturating_add(rests.saturating_sub(1)),
            Self::Held { .. } | Self::Opened { .. } => 0,
        }
    }

    /// When the failures in a row began; of a held gate when the hold did.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Held { since, .. } => Some(*since),
            _ => self.failing_since(),
        }
    }

    /// When it is held as failing too long, should nothing succeed until then. A gate that has not rested yet counts its ten
    /// failures first.
    #[must_use]
    pub fn held_at_latest(&self) -> Option<Timestamp> {
        self.failing_since()
            .map(|since| since.after(FAILING_TOO_LONG))
    }

    fn failing_since(&self) -> Option<Timestamp> {
        match self {
            Self::Admitting { failing_since, .. }
            | Self::Resting { failing_since, .. }
            | Self::Probing { failing_since, .. } => *failing_since,
            Self::Held { .. } | Self::Opened { .. } => None,
        }
    }

    /// Its name, for the API and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Admitting { .. } | Self::Opened { .. } => "admitting",
            Self::Resting { .. } => "resting",
            Self::Probing { .. } => "probing",
            Self::Held { .. } => "held",
        }
    }
}

/// Whether a rest that lasts until then is over.
fn is_over(until: Timestamp, now: Timestamp) -> bool {
    now >= until || until > now.after(FARTHEST)
}

fn doubled(first: Duration, times: u32) -> Duration {
    first
        .saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
        .min(LONGEST_REST)
}

fn rest(rests: u32, rng: &mut impl Rng) -> Duration {
    doubled(FIRST_REST, rests).mul_f64(rng.random_range(0.8..=1.2))
}

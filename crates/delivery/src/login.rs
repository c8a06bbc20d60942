//! Whether a token is still good, and when a login may be tried: one login in flight, refreshed early, and after a
//! failure not again at once.

use std::time::Duration;

use domain::Timestamp;

/// How long a token is kept that does not say how long it is good, and the longest that any is kept.
pub const KEPT: Duration = Duration::from_secs(3_600);
/// A token is renewed this long before its end, or a tenth of its life before, whichever is earlier.
pub const EARLY: Duration = Duration::from_secs(60);
/// The wait after the first failed login; each further one is twice as long, up to the longest.
pub const FIRST_WAIT: Duration = Duration::from_secs(5);
pub const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// Where a login stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Login {
    /// No token is there.
    #[default]
    Absent,
    /// One login is under way; everybody else waits for it.
    UnderWay { failures: u32 },
    /// A token is there and is used until then.
    Fresh { until: Timestamp },
    /// The last login failed; the next may begin then.
    Failing { failures: u32, again_at: Timestamp },
}

/// What to do before a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStep {
    UseToken,
    /// Begin a login (it is under way from here on).
    LogIn,
    /// Another one is under way: wait for its end.
    Join,
    /// The gate is held; the next login may begin then.
    Hold {
        until: Timestamp,
    },
}

impl Login {
    /// What to do now; a login that is to begin is marked as under way.
    pub fn next(&mut self, now: Timestamp) -> LoginStep {
        match *self {
            Self::Fresh { until } if now < until => LoginStep::UseToken,
            Self::UnderWay { .. } => LoginStep::Join,
            Self::Failing { again_at, .. } if now < again_at => LoginStep::Hold { until: again_at },
            Self::Failing { failures, .. } => self.begin(failures),
            Self::Absent | Self::Fresh { .. } => self.begin(0),
        }
    }

    fn begin(&mut self, failures: u32) -> LoginStep {
        *self = Self::UnderWay { failures };
        LoginStep::LogIn
    }

    /// The login gave a token.
    pub fn succeeded(&mut self, now: Timestamp, expires_in: Option<Duration>) {
        *self = Self::Fresh {
            until: now.after(kept_for(expires_in)),
        };
    }

    /// The login gave none.
    pub fn failed(&mut self, now: Timestamp) {
        let failures = match *self {
            Self::UnderWay { failures } | Self::Failing { failures, .. } => {
                failures.saturating_add(1)
            }
            Self::Absent | Self::Fresh { .. } => 1,
        };
        let wait = FIRST_WAIT
            .saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX))
            .min(LONGEST_WAIT);
        *self = Self::Failing {
            failures,
            again_at: now.after(wait),
        };
    }

    /// The receiver answered 401: the token is worthless, however fresh.
    pub fn refused(&mut self) {
        if matches!(self, Self::Fresh { .. }) {
            *self = Self::Absent;
        }
    }
}

/// How long a token is used: until a minute, or a tenth of its life, before its end; but half of a short life at least, or
/// each alert would need a login of its own.
#[must_use]
pub fn kept_for(expires_in: Option<Duration>) -> Duration {
    let Some(life) = expires_in else { return KEPT };
    life.saturating_sub(EARLY.max(life / 10))
        .max(life / 2)
        .min(KEPT)
}

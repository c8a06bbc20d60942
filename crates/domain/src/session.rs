//! How long somebody stays signed in.

use std::net::IpAddr;
use std::time::Duration;

use crate::{Timestamp, UserId};

/// A session ends when nothing was asked under it for this long.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// And after this long in any case.
pub const LONGEST: Duration = Duration::from_secs(12 * 3_600);
/// How long a use is not worth writing after another.
pub const TOUCH: Duration = Duration::from_secs(60);
/// Most sessions of one user; one more ends the one that was used longest ago.
pub const PER_USER: usize = 32;

/// Somebody who is signed in. The token that proves it is kept as a hash alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    pub made_at: Timestamp,
    /// When it was last used, give or take [`TOUCH`].
    pub seen_at: Timestamp,
    /// Where they signed in from.
    pub address: IpAddr,
}

impl Session {
    /// Whether it still holds. All times are the steady clock's.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now.since(self.seen_at) < IDLE && now.since(self.made_at) < LONGEST
    }

    /// Whether a use at this time is to be written down.
    #[must_use]
    pub fn is_worth_touching(&self, now: Timestamp) -> bool {
        now.since(self.seen_at) >= TOUCH
    }
}

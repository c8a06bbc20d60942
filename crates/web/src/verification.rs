//! How the verification of the journal stands that was last begun on this node, for whoever looks at the system.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;

use crate::api::journal::verify::VerifyView;

/// Shared by whoever works at it and whoever looks.
#[derive(Debug, Default)]
pub(crate) struct Verification(Mutex<Standing>);

/// Where it stands.
#[derive(Debug, Clone, Default)]
pub(crate) enum Standing {
    /// None was begun since this node started.
    #[default]
    Never,
    AtWork {
        since: Timestamp,
        /// `messages` or `events`, and how many of them.
        what: &'static str,
        done: u64,
        /// Messages that there are, as far as it is known.
        total: u64,
    },
    Ended {
        at: Timestamp,
        /// What it found, or why it was broken off.
        found: Result<Box<VerifyView>, String>,
    },
}

impl Verification {
    pub(crate) fn standing(&self) -> Standing {
        self.lock().clone()
    }

    pub(crate) fn begin(&self, now: Timestamp) {
        *self.lock() = Standing::AtWork {
            since: now,
            what: "messages",
            done: 0,
            total: 0,
        };
    }

    pub(crate) fn went_on(&self, what: &'static str, done: u64, total: u64) {
        let mut standing = self.lock();
        if let Standing::AtWork { since, .. } = *standing {
            *standing = Standing::AtWork {
                since,
                what,
                done,
                total,
            };
        }
    }

    pub(crate) fn end(&self, now: Timestamp, found: Result<VerifyView, String>) {
        *self.lock() = Standing::Ended {
            at: now,
            found: found.map(Box::new),
        };
    }

    /// Whoever asked for it has gone before its end.
    pub(crate) fn broken_off(&self, now: Timestamp) {
        let mut standing = self.lock();
        if matches!(*standing, Standing::AtWork { .. }) {
            *standing = Standing::Ended {
                at: now,
                found: Err("whoever asked for it went away".to_owned()),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! How well the alerts of each subject are read: watched behind the ack path, in the order of storing.

mod postgres;
mod row;
mod sqlite;

use domain::access::Scope;
use domain::catalogue::Drift;
use domain::{CompanyId, EventId, SourceId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::{Backend, Store, StoreError};

pub(crate) use row::{SEEN_COLUMNS, SightingRow, WATCHED_COLUMNS, WatchedRow};

/// Subjects that are watched, over all companies and sources; more are not.
pub const WATCHED: u32 = 10_000;
/// The newest alerts of a subject that were not read in full, which are kept by id.
pub const MISSES: usize = 20;

/// Whose alerts, from where, and of which subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchedKey {
    pub company: Option<CompanyId>,
    pub source: SourceId,
    /// Of the subject, as it is compared.
    subject: [u8; 32],
}

/// What is known of a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub key: WatchedKey,
    /// As it came last.
    pub subject: String,
    /// The kind that it named last.
    pub kind: String,
    pub state: Drift,
    /// The newest that were not read in full, newest last.
    pub misses: Vec<EventId>,
    /// Since when an alarm is open.
    pub opened_at: Option<Timestamp>,
    pub changed_at: Timestamp,
}

/// One alert of a source whose subject names a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    pub event: EventId,
    pub key: WatchedKey,
    pub subject: String,
    pub kind: String,
    /// It was read in full.
    pub full: bool,
    pub received_at: Timestamp,
}

/// The next events to look at, and what is known of their subjects.
#[derive(Debug, Clone)]
pub struct DriftRound {
    from: i64,
    to: i64,
    /// Events that were passed, sightings or not.
    pub passed: usize,
    pub sightings: Vec<Sighting>,
    pub known: Vec<Watched>,
}

impl WatchedKey {
    /// The subject is compared without regard to case and blanks.
    #[must_use]
    pub fn new(company: Option<CompanyId>, source: SourceId, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for word in subject.split_whitespace() {
            hash.update(word.to_lowercase());
            hash.update(b" ");
        }
        Self {
            company,
            source,
            subject: hash.finalize().into(),
        }
    }

    /// The company's column: zeros stand for none, for a part of a primary key is never null.
    fn company_column(&self) -> [u8; 16] {
        self.company.map_or([0; 16], CompanyId::to_bytes)
    }
}

impl Store {
    /// The events that were stored after those that were looked at, at most `limit`; none when there are none.
    pub async fn drift_round(&self, limit: usize) -> Result<Option<DriftRound>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::round(db, limit).await,
            Backend::Postgres(db) => postgres::round(db, limit).await,
        }
    }

    /// Keeps what a round has taught and forgets what has not changed since `before`. False when another node was faster:
    /// nothing was written.
    pub async fn keep_drift(
        &self,
        round: &DriftRound,
        watched: Vec<Watched>,
        before: Timestamp,
    ) -> Result<bool, StoreError> {
        let (from, to) = (round.from, round.to);
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::keep(db, (from, to), watched, before).await,
            Backend::Postgres(db) => postgres::keep(db, (from, to), watched, before).await,
        }
    }

    /// Subjects with an open alarm within the scope, the newest alarm first, at most `most`.
    pub async fn open_drift(&self, scope: &Scope, most: u16) -> Result<Vec<Watched>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::open(db, scope, most).await,
            Backend::Postgres(db) => postgres::open(db, scope, most).await,
        }
    }
}

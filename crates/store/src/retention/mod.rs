//! Forgetting, in small batches by class, with a daily row that says how much went (decisions.md 6).

mod postgres;
mod sqlite;

use std::collections::BTreeMap;

use crate::proof::{Book, Line, Notary};
use crate::{Backend, Store, StoreError};
use domain::Timestamp;

/// What is forgotten together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetentionClass {
    /// Messages with their events; never one with a delivery that has not ended.
    Messages,
    /// Delivered deliveries with their attempts.
    Delivered,
    /// Dead deliveries with their attempts.
    Dead,
    Audit,
    /// What the configuration was: revisions that hold no more, and the epochs that cannot be gone back to any more.
    /// Never what holds, nor the state that held at the edge.
    Revisions,
    /// `webhook-id`s, by which duplicates are known.
    WebhookIds,
    IdempotencyKeys,
    /// Fingerprints, by which repeats are counted.
    Fingerprints,
    /// What companies are known to have, and no import has met again.
    Known,
    /// Jobs that have ended.
    Jobs,
    /// Sessions that were made so long ago that none of them holds.
    Sessions,
}

/// What was pruned of a class in a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunedRow {
    pub class: String,
    /// Days since 1970: of a message the day that it came in, of anything else the day that it was pruned.
    pub day: i64,
    pub count: u64,
    /// Sum of the keyed hashes of what was pruned ([`crate::proof`]).
    pub hash: [u8; 32],
}

impl RetentionClass {
    pub const ALL: [Self; 11] = [
        Self::Messages,
        Self::Delivered,
        Self::Dead,
        Self::Audit,
        Self::Revisions,
        Self::WebhookIds,
        Self::IdempotencyKeys,
        Self::Fingerprints,
        Self::Known,
        Self::Jobs,
        Self::Sessions,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Audit => "audit",
            Self::Revisions => "revisions",
            Self::WebhookIds => "webhook_ids",
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Fingerprints => "fingerprints",
            Self::Known => "known",
            Self::Jobs => "jobs",
            Self::Sessions => "sessions",
        }
    }
}

/// The day of a point in time, in days since 1970.
pub(crate) fn day(at: Timestamp) -> i64 {
    at.micros().div_euclid(86_400_000_000)
}

/// What a batch pruned, summed by the days that count it.
type Gone = BTreeMap<i64, Book>;

/// Messages by the days that they came in.
fn gone_messages(notary: &Notary, lines: &[Line]) -> Gone {
    let mut gone = Gone::new();
    for line in lines {
        gone.entry(line.day()).or_default().add(notary.line(line));
    }
    gone
}

/// Anything else by the day that it went.
fn gone_today(notary: &Notary, class: RetentionClass, ids: &[Vec<u8>], now: Timestamp) -> Gone {
    let mut book = Book::default();
    for id in ids {
        book.add(notary.gone(class.as_str(), id));
    }
    if ids.is_empty() {
        Gone::new()
    } else {
        Gone::from([(day(now), book)])
    }
}

/// The lowest id of a millisecond: ids are UUIDs version 7, so "made before" is a range of the primary key.
pub(crate) fn lowest_id(at: Timestamp) -> [u8; 16] {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&at.unix_millis().to_be_bytes()[2..]);
    id
}

impl Store {
    /// Forgets at most `limit` things of a class that are older than `before`; answers how many.
    /// `now` names the day whose row counts them.
    pub async fn prune(
        &self,
        class: RetentionClass,
        before: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        if class == RetentionClass::Messages {
            self.seal_all().await?;
        }
        let notary = self.notary();
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::prune(db, notary, class, before, limit, now).await,
            Backend::Postgres(db) => postgres::prune(db, &notary, class, before, limit, now).await,
        }
    }

    /// What was pruned, by day and class, the newest day first; at most `limit` rows.
    pub async fn pruned(&self, limit: u16) -> Result<Vec<PrunedRow>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::pruned(db, limit).await,
            Backend::Postgres(db) => postgres::pruned(db, limit).await,
        }
    }
}

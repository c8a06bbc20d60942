//! What a company is known to have, by fingerprint, so that an import raises what is new and nothing else.
//!
//! Written by accepts that ask for it ([`crate::Acceptance::only_new`]) and by nothing else. Events that came by other ways are
//! found by the index of fingerprints, and behind its end by looking at the events that it has not reached yet.

mod postgres;
mod sqlite;

use domain::event::Fingerprint;
use domain::{CompanyId, EventId};

use crate::{Backend, Store, StoreError};

pub(crate) use postgres::meet as meet_on_postgres;
pub(crate) use sqlite::tail as tail_on_sqlite;

/// A company, and the fingerprint of what it has.
pub(crate) type Print = ([u8; 16], [u8; 16]);

/// Most events that the index of fingerprints may lag behind. With more to look at one by one, an accept that asks for what
/// is new is refused as overloaded, for others wait behind it.
const TAIL: i64 = 100_000;
/// What is met again is written again after this time, in microseconds: retention counts from then.
const TOUCH_MICROS: i64 = 24 * 3_600 * 1_000_000;

impl Store {
    /// The event that first told of each of these, in their order; none for what is new to its company.
    pub async fn known(
        &self,
        prints: Vec<(CompanyId, Fingerprint)>,
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        let prints: Vec<Print> = prints
            .into_iter()
            .map(|(company, print)| (company.to_bytes(), print.0))
            .collect();
        let known = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::known(db, prints).await,
            Backend::Postgres(db) => postgres::known(db, &prints).await,
        }?;
        Ok(known
            .into_iter()
            .map(|id| id.map(EventId::from_bytes))
            .collect())
    }
}

/// Refuses when the index lags too far behind.
fn bounded(waiting: Option<i64>) -> Result<(), StoreError> {
    match waiting {
        Some(waiting) if waiting > TAIL => Err(StoreError::Overloaded),
        _ => Ok(()),
    }
}

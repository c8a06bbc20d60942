//! Whether the store can do its work, and whether work gets done.

mod postgres;
mod sqlite;

use domain::Timestamp;

use crate::{Backend, Store};

/// What readiness asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// A write went through just now; otherwise why not.
    pub writable: Result<(), String>,
    /// The earliest due time among deliveries that are not parked.
    pub oldest_due: Option<Timestamp>,
    /// Pending deliveries, counted up to [`Health::COUNTED`].
    pub pending: u64,
}

impl Health {
    /// Counting stops here, for a count of millions would cost more than it tells.
    pub const COUNTED: u64 = 10_000;
}

impl Store {
    pub async fn health(&self, now: Timestamp) -> Health {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::health(db, now).await,
            Backend::Postgres(db) => postgres::health(db, now).await,
        }
    }
}

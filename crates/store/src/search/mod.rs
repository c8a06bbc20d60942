//! The search index, filled behind the ack path so that no sender waits for it.

mod postgres;
mod sqlite;

use crate::{Backend, Store, StoreError};

pub(crate) use postgres::{lock_index as lock_index_postgres, reindex as reindex_postgres};
pub(crate) use sqlite::reindex as reindex_sqlite;

/// What the index holds of an event.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) seq: i64,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) fingerprint: Vec<u8>,
}

impl Store {
    /// Adds at most `limit` stored events to the index; answers how many. Call it again while it answers `limit`.
    pub async fn index_search(&self, limit: usize) -> Result<usize, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::index_search(db, limit).await,
            Backend::Postgres(db) => postgres::index_search(db, limit).await,
        }
    }
}

//! The search index, filled behind the ack path so that no sender waits for it.

mod postgres;
mod sqlite;

use crate::{Backend, Store, StoreError};

impl Store {
    /// Adds at most `limit` stored events to the index; answers how many. Call it again while it answers `limit`.
    pub async fn index_search(&self, limit: usize) -> Result<usize, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::index_search(db, limit).await,
            Backend::Postgres(db) => postgres::index_search(db, limit).await,
        }
    }
}

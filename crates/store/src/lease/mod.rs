//! Which node works which integration (decisions.md 14).

mod postgres;
mod sqlite;

use std::time::Duration;

use domain::{IntegrationId, Timestamp};

use crate::{Backend, Store, StoreError};

pub(crate) use postgres::holds as postgres_holds;
pub(crate) use sqlite::holds as sqlite_holds;

/// The right to work an integration's deliveries until a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub integration: IntegrationId,
    /// Raised by each taking: a settle under an older number changes nothing.
    pub number: i64,
    /// By the caller's clock, never later than by the database's.
    pub until: Timestamp,
}

impl Store {
    /// Integrations with pending deliveries, each with its earliest due time (which may lie ahead), earliest first.
    pub async fn with_work(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(IntegrationId, Timestamp)>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::with_work(db, now, limit).await,
            Backend::Postgres(db) => postgres::with_work(db, now, limit).await,
        }
    }

    /// Takes leases that are free, expired or this node's own already; answers those it got.
    pub async fn take_leases(
        &self,
        wanted: &[IntegrationId],
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::take_leases(db, self.0.node, wanted, ttl, now).await,
            Backend::Postgres(db) => postgres::take_leases(db, self.0.node, wanted, ttl, now).await,
        }
    }

    /// Lengthens leases that are still held under their number; answers those, with their new end.
    pub async fn renew_leases(
        &self,
        held: &[Lease],
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::renew_leases(db, held, ttl, now).await,
            Backend::Postgres(db) => postgres::renew_leases(db, held, ttl, now).await,
        }
    }

    /// Gives leases back, so that others may take them at once.
    pub async fn release_leases(&self, held: &[Lease]) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::release_leases(db, held).await,
            Backend::Postgres(db) => postgres::release_leases(db, held).await,
        }
    }
}

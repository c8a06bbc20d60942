//! The migrations of a database that is opened, one node at a time.

use deadpool_postgres::Client;
use domain::Timestamp;

use super::{Failure, LOCKS, MIGRATION_LOCK};
use crate::StoreError;
use crate::migrations::{self, Migration};

/// Runs the migrations that have not run, all in one transaction under a lock: another node waits and then finds none.
pub(super) async fn migrate(client: &mut Client, now: Timestamp) -> Result<(), StoreError> {
    let tx = client.transaction().await.map_err(Failure::from)?;
    tx.execute(
        "SELECT pg_advisory_xact_lock($1, $2)",
        &[&LOCKS, &MIGRATION_LOCK],
    )
    .await?;
    // A migration may take as long as it takes.
    tx.batch_execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning;
         CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, at BIGINT NOT NULL)",
    )
    .await?;
    for migration in migrations::missing(migrations::POSTGRES, &done(&tx).await?)? {
        apply(&tx, migration, now).await?;
    }
    Ok(tx.commit().await?)
}

async fn done(tx: &deadpool_postgres::Transaction<'_>) -> Result<Vec<(u32, String)>, StoreError> {
    let rows = tx
        .query(
            "SELECT version, checksum FROM migration ORDER BY version",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let version: i32 = row.try_get(0)?;
            Ok((version.unsigned_abs(), row.try_get(1)?))
        })
        .collect()
}

async fn apply(
    tx: &deadpool_postgres::Transaction<'_>,
    migration: &Migration,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.batch_execute(migration.sql).await?;
    let version = i32::try_from(migration.version).unwrap_or(i32::MAX);
    tx.execute(
        "INSERT INTO migration VALUES ($1, $2, $3)",
        &[&version, &migration.checksum(), &now.micros()],
    )
    .await?;
    Ok(())
}

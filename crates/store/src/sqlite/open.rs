//! Connections and their settings, and the migrations of a database that is opened.

use std::path::Path;
use std::time::Duration;

use domain::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::migrations::{self, Migration};

/// How long a statement waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared; there are fewer than that.
const STATEMENTS: usize = 128;

/// A connection that may write.
pub(super) fn writing(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    // Checkpoints are `checkpoint.rs`'s, off the ack path.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
    )?;
    keep_plans(&conn)?;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn reading(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(
        "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;",
    )?;
    keep_plans(&conn)?;
    Ok(conn)
}

/// Statements stay prepared, and stay as they were planned: without the second, SQLite plans a statement anew each time
/// that a value is bound which might have fitted a partial index, which costs more than running it.
fn keep_plans(conn: &Connection) -> Result<(), StoreError> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Runs the migrations that have not run, each in a transaction with the row that says so.
pub(super) fn migrate(conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration
         (version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
    )?;
    for migration in migrations::missing(migrations::SQLITE, &done(conn)?)? {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = apply(conn, migration, now).and_then(|()| Ok(conn.execute_batch("COMMIT")?));
        if outcome.is_err() && !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK")?;
        }
        outcome?;
    }
    Ok(())
}

fn done(conn: &Connection) -> Result<Vec<(u32, String)>, StoreError> {
    super::all(
        conn,
        "SELECT version, checksum FROM migration ORDER BY version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn apply(conn: &Connection, migration: &Migration, now: Timestamp) -> Result<(), StoreError> {
    // Another process may have run it since it was found missing.
    if done(conn)?
        .iter()
        .any(|(version, _)| *version == migration.version)
    {
        return Ok(());
    }
    conn.execute_batch(migration.sql)?;
    conn.execute(
        "INSERT INTO migration VALUES (?1, ?2, ?3)",
        (migration.version, migration.checksum(), now.micros()),
    )?;
    Ok(())
}

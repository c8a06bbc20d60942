//! The shell around SQLite: one thread that writes with group commit, a few connections that read, one that checkpoints.
//!
//! WAL with `synchronous = FULL`: a commit is fsynced before anyone is answered, and readers never wait for the writer.

mod checkpoint;
mod clauses;
mod error;
mod open;
mod readers;
mod writer;

use std::path::Path;
use std::sync::Arc;

use domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use crate::notices::Notices;
use crate::{Settings, StoreError};

use checkpoint::Checkpointer;
pub(crate) use clauses::{Clauses, blob};
use readers::Readers;
pub(crate) use writer::Care;
use writer::Writer;

/// An open SQLite database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Readers,
    pub(crate) notices: Arc<Notices>,
}

impl Sqlite {
    pub(crate) async fn open(
        path: &Path,
        settings: &Settings,
        notices: &Arc<Notices>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (path, settings, notices) = (path.to_owned(), settings.clone(), Arc::clone(notices));
        blocking(move || {
            let conn = open::writing(&path)?;
            open::migrate(&conn, now)?;
            let epoch: i64 = conn.query_row("SELECT number FROM epoch", [], |row| row.get(0))?;
            notices.moved(epoch.cast_unsigned());
            let readers = Readers::open(&path, settings.readers)?;
            let checkpointer = Checkpointer::start(open::writing(&path)?)?;
            let writer = Writer::start(conn, settings.queue, settings.commit_batch, checkpointer)?;
            Ok(Self {
                writer,
                readers,
                notices,
            })
        })
        .await
    }

    /// The value kept under a name; the given one is kept when there is none yet.
    pub(crate) async fn keep(&self, name: &'static str, value: &str) -> Result<String, StoreError> {
        let value = value.to_owned();
        self.write(Care::Guarded, move |conn| {
            conn.execute(
                "INSERT INTO kept VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                [name, &value],
            )?;
            Ok(
                conn.query_row("SELECT value FROM kept WHERE name = ?1", [name], |row| {
                    row.get(0)
                })?,
            )
        })
        .await
    }

    /// Runs a write in the next group commit and answers after the commit was fsynced.
    /// It may run twice, for it runs again alone when another write of the group fails.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        care: Care,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(care, work, |_| ()).await
    }

    /// The same; `after` runs once, after the commit, even when nobody waits for the answer any more.
    pub(crate) async fn write_then<T: Send + 'static>(
        &self,
        care: Care,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(care, work, after).await
    }

    /// Runs reads in one read transaction, on a connection of their own.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
    }
}

/// Runs what blocks away from the runtime's own threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    }
}

/// A row or none, by a statement that is prepared once for each connection.
pub(crate) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params, read)
        .optional()?)
}

/// All rows, by a statement that is prepared once for each connection. The statement bounds how many.
pub(crate) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    Ok(conn
        .prepare_cached(sql)?
        .query_map(params, read)?
        .collect::<Result<_, _>>()?)
}

/// Runs a statement that is prepared once for each connection; answers how many rows it changed.
pub(crate) fn run(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

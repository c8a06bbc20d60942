//! Checkpoints: what the log holds moves into the database file, away from the ack path.
//!
//! A thread of its own moves pages while the writer goes on appending, so it never quite catches up and the log
//! would never start anew. When the log has grown long, the writer itself moves the last few pages between two commits;
//! its next commit then starts the log from the beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;
use tracing::warn;

use crate::StoreError;

/// Pages that may wait in the log before they are moved.
const PAGES: i64 = 4_000;
/// Pages in the log from which on the writer makes it start anew.
const LONG: i64 = 24_000;

/// The writer's end.
#[derive(Debug)]
pub(super) struct Checkpointer {
    poke: SyncSender<()>,
    /// Set when the log is long and all but moved.
    finish: Arc<AtomicBool>,
}

impl Checkpointer {
    /// The thread ends when the writer drops its end.
    pub(super) fn start(conn: Connection) -> Result<Self, StoreError> {
        let (poke, poked) = sync_channel(1);
        let finish = Arc::new(AtomicBool::new(false));
        let finish_there = Arc::clone(&finish);
        thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&conn, &poked, &finish_there))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { poke, finish })
    }

    /// After each commit: wakes the thread, and finishes on the writer's own connection when that is due.
    pub(super) fn committed(&self, writer: &Connection) {
        if self.finish.swap(false, Ordering::AcqRel) {
            report(checkpoint(writer, "PASSIVE"));
        }
        // A full channel means that it has been poked already.
        let _ = self.poke.try_send(());
    }
}

fn run(conn: &Connection, poked: &Receiver<()>, finish: &AtomicBool) {
    while poked.recv().is_ok() {
        let Some((log, moved)) = report(checkpoint(conn, "NOOP")) else {
            continue;
        };
        if log - moved < PAGES {
            continue;
        }
        let Some((log, _)) = report(checkpoint(conn, "PASSIVE")) else {
            continue;
        };
        if log >= LONG {
            finish.store(true, Ordering::Release);
        }
    }
}

/// Pages in the log, and how many of them have been moved.
fn checkpoint(conn: &Connection, mode: &str) -> rusqlite::Result<(i64, i64)> {
    conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| Ok((row.get(1)?, row.get(2)?)))
}

/// A failed checkpoint loses nothing: the log keeps what it could not move.
fn report<T>(outcome: rusqlite::Result<T>) -> Option<T> {
    outcome.inspect_err(|error| warn!(%error, "the write-ahead log could not be moved into the database: {error}")).ok()
}

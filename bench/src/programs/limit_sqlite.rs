//! The most that a durable intake on SQLite allows here: one writer thread, one INSERT of the message and one of an
//! outbox row for each POST, group commit, WAL, `synchronous = FULL`, answered after the commit. It checks nobody and
//! reads nothing.

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{GROUP, QUEUE, Waiting};

pub async fn run(path: &str) -> Result<()> {
    let database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;
         CREATE TABLE message (id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, raw BLOB NOT NULL);
         CREATE TABLE outbox (id INTEGER PRIMARY KEY, message INTEGER NOT NULL, due_at INTEGER NOT NULL);",
    )?;
    let (queue, waiting) = mpsc::channel(QUEUE);
    std::thread::spawn(move || {
        if let Err(error) = write(&database, waiting) {
            eprintln!("bench limit-sqlite: {error:#}");
        }
        std::process::exit(1);
    });
    super::serve(
        Router::new()
            .route("/intake", post(store))
            .with_state(queue),
    )
    .await
}

/// Shared with the PostgreSQL limit: queue the body, wait for its commit.
pub(super) async fn store(
    State(queue): State<mpsc::Sender<Waiting>>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let (done, committed) = oneshot::channel();
    if queue.send((body, done)).await.is_err() || committed.await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "{}");
    }
    (StatusCode::ACCEPTED, "{}")
}

fn write(database: &Connection, mut waiting: mpsc::Receiver<Waiting>) -> Result<()> {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
        let now = crate::load::wall();
        database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (body, _) in &group {
            database
                .prepare_cached("INSERT INTO message (received_at, raw) VALUES (?1, ?2)")?
                .execute((now, &body[..]))?;
            let message = database.last_insert_rowid();
            database
                .prepare_cached("INSERT INTO outbox (message, due_at) VALUES (?1, ?2)")?
                .execute((message, now))?;
        }
        database.prepare_cached("COMMIT")?.execute([])?;
        for (_, done) in group.drain(..) {
            // Whoever hung up does not wait for the answer.
            let _ = done.send(());
        }
    }
    Ok(())
}

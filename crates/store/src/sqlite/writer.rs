//! The one thread that writes: whatever waits is run in one transaction, and everyone is answered after its fsync.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::checkpoint::Checkpointer;
use crate::StoreError;

/// How a write may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// It may refuse after it has written something: a savepoint undoes that without disturbing its group.
    Guarded,
    /// It fails only when the database does. Then the group is rolled back and each write runs alone.
    Hot,
}

#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Write(Box<dyn Write>),
    /// What was queued before is still written.
    Close,
}

/// One write of a group.
trait Write: Send {
    fn care(&self) -> Care;
    /// Runs inside a transaction and remembers its outcome; an outcome of an earlier run is forgotten.
    fn run(&mut self, conn: &Connection) -> Result<(), StoreError>;
    /// Answers, after the transaction has ended; an error of the transaction stands over the write's own outcome.
    fn answer(self: Box<Self>, ended: Result<(), StoreError>);
}

struct Job<T, W, A> {
    care: Care,
    work: W,
    outcome: Option<Result<T, StoreError>>,
    after: A,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W, A> Write for Job<T, W, A>
where
    T: Send,
    W: FnMut(&Connection) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    fn care(&self) -> Care {
        self.care
    }

    fn run(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let outcome = (self.work)(conn);
        let failed = outcome.as_ref().err().cloned();
        self.outcome = Some(outcome);
        failed.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, ended: Result<(), StoreError>) {
        let never_run = || Err(StoreError::Unavailable("the write was not run".to_owned()));
        let Self {
            work,
            outcome,
            after,
            answer,
            ..
        } = *self;
        // What the asker shares with its write is then freed where it was made.
        drop(work);
        let outcome = ended.and_then(|()| outcome.unwrap_or_else(never_run));
        if let Ok(value) = &outcome {
            after(value);
        }
        // Whoever asked may have gone; what was committed stays.
        let _ = answer.send(outcome);
    }
}

impl Writer {
    pub(super) fn start(
        conn: Connection,
        queue: NonZeroUsize,
        commit_batch: NonZeroUsize,
        checkpointer: Checkpointer,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(queue.get());
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(&conn, receiver, commit_batch.get(), &checkpointer))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            queue: sender,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        care: Care,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Message::Write(Box::new(Job {
            care,
            work,
            outcome: None,
            after,
            answer,
        }));
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Waits until everything queued is written and the thread has ended.
    pub(super) async fn close(&self) {
        let _ = self.queue.send(Message::Close).await;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

fn write_all(
    conn: &Connection,
    mut queue: mpsc::Receiver<Message>,
    most: usize,
    checkpointer: &Checkpointer,
) {
    let mut messages = Vec::with_capacity(most);
    let mut group = Vec::with_capacity(most);
    // Zero means closed and empty.
    while queue.blocking_recv_many(&mut messages, most) > 0 {
        for message in messages.drain(..) {
            match message {
                Message::Write(write) => group.push(write),
                Message::Close => queue.close(),
            }
        }
        commit(conn, &mut group);
        checkpointer.committed(conn);
    }
}

/// Commits a group in one transaction, or each of it alone where that fails. The group is empty afterwards.
fn commit(conn: &Connection, group: &mut Vec<Box<dyn Write>>) {
    match together(conn, group) {
        Ok(()) => group.drain(..).for_each(|write| write.answer(Ok(()))),
        Err(failure) => {
            rollback(conn);
            error!(error = %failure.error, "a group of {} writes was rolled back: {}", group.len(), failure.error);
            if failure.of_database || group.len() == 1 {
                group
                    .drain(..)
                    .for_each(|write| write.answer(Err(failure.error.clone())));
            } else {
                group.drain(..).for_each(|write| alone(conn, write));
            }
        }
    }
}

struct Failure {
    error: StoreError,
    /// Disk full, I/O error, …: it would fail each write just the same.
    of_database: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            of_database: false,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{
            CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly, SystemIoFailure,
        };
        let code = error.sqlite_error_code();
        let of_database = code.is_some_and(|code| {
            [
                CannotOpen,
                DatabaseCorrupt,
                DiskFull,
                NotADatabase,
                ReadOnly,
                SystemIoFailure,
            ]
            .contains(&code)
        });
        Self {
            error: error.into(),
            of_database,
        }
    }
}

fn together(conn: &Connection, group: &mut [Box<dyn Write>]) -> Result<(), Failure> {
    statement(conn, "BEGIN IMMEDIATE")?;
    for write in group {
        match write.care() {
            Care::Hot => write.run(conn)?,
            Care::Guarded => guarded(conn, write.as_mut())?,
        }
    }
    statement(conn, "COMMIT")?;
    Ok(())
}

/// Runs a write whose refusal concerns it alone.
fn guarded(conn: &Connection, write: &mut dyn Write) -> Result<(), Failure> {
    statement(conn, "SAVEPOINT one")?;
    if let Err(refused) = write.run(conn) {
        // A database error may have ended the transaction, and with it the whole group.
        if conn.is_autocommit() {
            return Err(refused.into());
        }
        statement(conn, "ROLLBACK TO one")?;
    }
    statement(conn, "RELEASE one")?;
    Ok(())
}

fn alone(conn: &Connection, mut write: Box<dyn Write>) {
    let outcome = statement(conn, "BEGIN IMMEDIATE")
        .map_err(StoreError::from)
        .and_then(|()| write.run(conn))
        .and_then(|()| Ok(statement(conn, "COMMIT")?));
    if outcome.is_err() {
        rollback(conn);
    }
    write.answer(outcome);
}

fn rollback(conn: &Connection) {
    if !conn.is_autocommit()
        && let Err(error) = statement(conn, "ROLLBACK")
    {
        error!(%error, "a transaction could not be rolled back: {error}");
    }
}

fn statement(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

//! Accepts of many callers in one transaction: one commit, and so one fsync, for all of them.

use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Pool;
use domain::NodeId;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::accept::{Prepared, Receipt, commit_on_postgres};
use crate::notices::Notices;
use crate::{Settings, StoreError};

/// Raw bytes that one transaction takes; a single larger message goes alone.
const BYTES: usize = 16 * 1_024 * 1_024;

/// What committing a batch needs.
#[derive(Debug)]
pub(crate) struct Accepting {
    pub(crate) pool: Pool,
    pub(crate) notices: Arc<Notices>,
    pub(crate) node: NodeId,
}

type Answer = oneshot::Sender<Result<Receipt, StoreError>>;
type Jobs = mpsc::Receiver<(Prepared, Answer)>;

/// A few tasks that take whatever waits, each on a connection of its own.
#[derive(Debug)]
pub(super) struct Batcher {
    queue: Mutex<Option<mpsc::Sender<(Prepared, Answer)>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Batcher {
    pub(super) fn start(accepting: Accepting, settings: &Settings) -> Self {
        let (sender, jobs) = mpsc::channel(settings.queue.get());
        let (accepting, jobs) = (Arc::new(accepting), Arc::new(AsyncMutex::new(jobs)));
        let task = |_| {
            tokio::spawn(commit_all(
                Arc::clone(&accepting),
                Arc::clone(&jobs),
                settings.commit_batch.get(),
            ))
        };
        let tasks = (0..settings.writers.get()).map(task).collect();
        Self {
            queue: Mutex::new(Some(sender)),
            tasks: Mutex::new(tasks),
        }
    }

    pub(super) async fn accept(&self, prepared: Prepared) -> Result<Receipt, StoreError> {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (answer, answered) = oneshot::channel();
        queue
            .ok_or_else(closed)?
            .try_send((prepared, answer))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => closed(),
            })?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// What was queued before is still written.
    pub(super) async fn close(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // A task that panicked has answered nobody, and its callers were told so by their dropped channels.
            let _ = task.await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

async fn commit_all(accepting: Arc<Accepting>, jobs: Arc<AsyncMutex<Jobs>>, most: usize) {
    let mut waiting = Vec::with_capacity(most);
    // Zero means closed and empty.
    while jobs.lock().await.recv_many(&mut waiting, most).await > 0 {
        let mut rest = waiting.drain(..).peekable();
        while rest.peek().is_some() {
            let (batch, answers): (Vec<_>, Vec<_>) = bounded(&mut rest).into_iter().unzip();
            for (answer, outcome) in answers
                .into_iter()
                .zip(commit_on_postgres(&accepting, &batch).await)
            {
                // Whoever asked may have gone; what was committed stays.
                let _ = answer.send(outcome);
            }
        }
    }
}

/// The next jobs whose bytes fit one transaction; at least one.
fn bounded(
    rest: &mut std::iter::Peekable<impl Iterator<Item = (Prepared, Answer)>>,
) -> Vec<(Prepared, Answer)> {
    let mut bytes = 0_usize;
    let mut batch = Vec::new();
    while let Some(job) = rest
        .next_if(|(prepared, _)| batch.is_empty() || bytes + prepared.message.raw.len() <= BYTES)
    {
        bytes += job.0.message.raw.len();
        batch.push(job);
    }
    batch
}

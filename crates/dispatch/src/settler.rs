//! Writes what came of attempts: what several owners have to settle at the same time shares a transaction.

use std::sync::Arc;

use store::{Settling, Store, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};

/// Most batches that share a transaction.
const TOGETHER: usize = 256;
/// Transactions under way at once: while one is on its way to the disk, the next is filled.
const AT_ONCE: usize = 2;

type Answer = oneshot::Sender<Result<bool, StoreError>>;
type Jobs = mpsc::Receiver<(Settling, Answer)>;

/// Where owners hand in their batches. Its tasks end with the last handle.
#[derive(Debug)]
pub(crate) struct Settler(mpsc::Sender<(Settling, Answer)>);

impl Settler {
    /// `owners` is the most that hand in at once; each has one batch under way.
    pub(crate) fn start(store: &Store, owners: usize) -> Self {
        let (sender, jobs) = mpsc::channel(owners.max(1));
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..AT_ONCE {
            tokio::spawn(write_all(store.clone(), Arc::clone(&jobs)));
        }
        Self(sender)
    }

    /// Hands in a batch; the answer says whether it was written, or that its lease was stale.
    pub(crate) fn settle(&self, settling: Settling) -> oneshot::Receiver<Result<bool, StoreError>> {
        let (answer, answered) = oneshot::channel();
        if let Err(refused) = self.0.try_send((settling, answer)) {
            let (_, answer) = refused.into_inner();
            // Its owner still holds the other end.
            let _ = answer.send(Err(StoreError::Overloaded));
        }
        answered
    }
}

async fn write_all(store: Store, jobs: Arc<Mutex<Jobs>>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    // Zero means closed and empty.
    while jobs.lock().await.recv_many(&mut waiting, TOGETHER).await > 0 {
        let (batches, answers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        match store.settle_all(batches).await {
            Ok(written) => answers
                .into_iter()
                .zip(written)
                .for_each(|(answer, written)| {
                    // An owner that has gone leaves its deliveries to the next one; what was committed stays.
                    let _ = answer.send(Ok(written));
                }),
            Err(error) => answers.into_iter().for_each(|answer| {
                let _ = answer.send(Err(error.clone()));
            }),
        }
    }
}

//! What follows the journal behind the ack path: in batches, one job at a time, and never so much that those who wait notice it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use store::StoreError;
use tokio::sync::watch;

use crate::Shared;

/// How often new rows are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// A batch is followed by so many times its own length of rest: a tenth of one connection's time at most, whatever the load.
const REST: u32 = 9;
/// No rest is longer.
const LONGEST: Duration = Duration::from_secs(10);

/// A step on its way; it answers how many rows it came by.
pub(super) type Step<'a> = Pin<Box<dyn Future<Output = Result<usize, StoreError>> + Send + 'a>>;

/// A job that follows the journal.
pub(super) struct Follower {
    pub(super) step: for<'a> fn(&'a Shared) -> Step<'a>,
    /// Rows of a full step: after one there may be more.
    pub(super) batch: usize,
    /// Most steps of one round.
    pub(super) batches: usize,
    /// Whether it rests after a full step.
    pub(super) rests: bool,
    /// What is said when a step fails.
    pub(super) trouble: &'static str,
    /// Rounds after which trouble that lasts is said again.
    pub(super) silent_rounds: u32,
}

impl Follower {
    /// Follows until it is told to stop.
    pub(super) async fn run(self, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
        let mut silent = 0_u32;
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.changed() => return,
            }
            for _ in 0..self.batches {
                let (begun, stepped) = self.turn(&shared).await;
                match stepped {
                    Ok(rows) if rows == self.batch && self.rests => {
                        if !rest(&shared, begun, &mut stop).await {
                            return;
                        }
                    }
                    Ok(rows) if rows == self.batch => tokio::task::yield_now().await,
                    Ok(_) => {
                        silent = 0;
                        break;
                    }
                    Err(error) => {
                        if silent == 0 {
                            tracing::warn!("{}: {error}", self.trouble);
                        }
                        silent = (silent + 1) % self.silent_rounds;
                        break;
                    }
                }
            }
        }
    }

    /// One step, when it is its turn: of all that follows, one at a time has a connection.
    async fn turn(&self, shared: &Shared) -> (Timestamp, Result<usize, StoreError>) {
        let turn = shared.behind.acquire().await;
        let _turn = turn.expect("nobody closes the semaphore");
        (shared.clock.now(), (self.step)(shared).await)
    }
}

/// Rests after a step that was begun then; false when it is time to stop.
async fn rest(shared: &Shared, begun: Timestamp, stop: &mut watch::Receiver<bool>) -> bool {
    let rest = shared.clock.now().since(begun) * REST;
    tokio::select! {
        () = tokio::time::sleep(rest.min(LONGEST)) => true,
        _ = stop.changed() => false,
    }
}

//! Seals the journal behind the ack path, so that `journal verify` can prove it.

use std::sync::Arc;

use tokio::sync::watch;

use super::behind::Follower;
use crate::Shared;

/// How many new messages are sealed in one transaction, and how many transactions make a round.
const BATCH: usize = 2_000;
const BATCHES: usize = 10;
/// A seal that somebody has broken is not written on; it is said again after so many rounds.
const SILENT_ROUNDS: u32 = 300;

pub(crate) async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let follower = Follower {
        step: |shared| Box::pin(shared.store.seal_journal(BATCH)),
        batch: BATCH,
        batches: BATCHES,
        rests: true,
        trouble: "the journal is not sealed any further",
        silent_rounds: SILENT_ROUNDS,
    };
    follower.run(shared, stop).await;
}

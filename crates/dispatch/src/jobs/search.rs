//! Fills the search index behind the ack path.

use std::sync::Arc;

use tokio::sync::watch;

use super::behind::Follower;
use crate::Shared;

/// How many new events are indexed in one transaction, and how many transactions make a round: a burst of alerts must not
/// find the writer busy with the index.
const BATCH: usize = 500;
const BATCHES: usize = 10;

pub(crate) async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let follower = Follower {
        step: |shared| Box::pin(shared.store.index_search(BATCH)),
        batch: BATCH,
        batches: BATCHES,
        rests: false,
        trouble: "the search index lags behind",
        silent_rounds: 1,
    };
    follower.run(shared, stop).await;
}

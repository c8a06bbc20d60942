//! Counts what has happened, behind the ack path: what the dashboard shows.

use std::sync::Arc;

use tokio::sync::watch;

use super::behind::{Follower, Step};
use crate::Shared;

/// How many new events and attempts are counted in one transaction, and how many transactions make a round. Sums are small
/// however many they count, so a large batch costs less than several small ones.
const BATCH: usize = 1_000;
const BATCHES: usize = 20;

pub(crate) async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let follower = Follower {
        step: count,
        batch: BATCH,
        batches: BATCHES,
        rests: true,
        trouble: "the figures of the dashboard lag behind",
        silent_rounds: 1,
    };
    follower.run(shared, stop).await;
}

fn count(shared: &Shared) -> Step<'_> {
    Box::pin(async {
        // The earlier of the two: a wall clock that jumps ahead must not make everything old at once.
        let now = shared.clock.now().min(shared.clock.stamp());
        shared.store.count_figures(now, BATCH).await
    })
}

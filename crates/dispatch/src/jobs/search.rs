//! Fills the search index behind the ack path.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::share::turn;
use crate::Shared;

/// How often new events are indexed, how many in one transaction, and how many in a round: a burst of alerts must not
/// find the writer busy with the index.
const EVERY: Duration = Duration::from_secs(2);
const BATCH: usize = 500;
const BATCHES: usize = 10;

pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => return,
        }
        for _ in 0..BATCHES {
            let indexed = {
                let _turn = turn(&shared).await;
                shared.store.index_search(BATCH).await
            };
            match indexed {
                Ok(BATCH) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!("the search index lags behind: {error}");
                    break;
                }
            }
        }
    }
}

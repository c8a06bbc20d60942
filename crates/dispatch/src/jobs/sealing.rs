//! Seals the journal behind the ack path, so that `journal verify` can prove it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::share::{rest, turn};
use crate::Shared;

/// How often new messages are sealed, how many in one transaction, and how many transactions in a round.
const EVERY: Duration = Duration::from_secs(2);
const BATCH: usize = 2_000;
const BATCHES: usize = 10;
/// A seal that somebody has broken is not written on; it is said again after so many rounds.
const SILENT_ROUNDS: u32 = 300;

pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut silent = 0_u32;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => return,
        }
        for _ in 0..BATCHES {
            let (begun, sealed) = {
                let _turn = turn(&shared).await;
                (shared.clock.now(), shared.store.seal_journal(BATCH).await)
            };
            match sealed {
                Ok(BATCH) => {
                    if !rest(&shared, begun, &mut stop).await {
                        return;
                    }
                }
                Ok(_) => {
                    silent = 0;
                    break;
                }
                Err(error) => {
                    if silent == 0 {
                        tracing::warn!("the journal is not sealed any further: {error}");
                    }
                    silent = (silent + 1) % SILENT_ROUNDS;
                    break;
                }
            }
        }
    }
}

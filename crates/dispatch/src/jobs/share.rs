//! How much of a busy node work behind the ack path may take.

use std::time::Duration;

use domain::Timestamp;
use tokio::sync::{SemaphorePermit, watch};

use crate::Shared;

/// A batch is followed by so many times its own length of rest: a tenth of one connection's time at most, whatever the load.
const REST: u32 = 9;
/// No rest is longer.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits for the turn of a batch: one at a time works behind the ack path.
pub(super) async fn turn(shared: &Shared) -> SemaphorePermit<'_> {
    shared
        .behind
        .acquire()
        .await
        .expect("nobody closes the semaphore")
}

/// Rests after a batch that was begun then; false when it is time to stop.
pub(super) async fn rest(
    shared: &Shared,
    begun: Timestamp,
    stop: &mut watch::Receiver<bool>,
) -> bool {
    let rest = shared.clock.now().since(begun) * REST;
    tokio::select! {
        () = tokio::time::sleep(rest.min(LONGEST)) => true,
        _ = stop.changed() => false,
    }
}

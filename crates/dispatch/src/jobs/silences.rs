//! Forgets silences that ended long ago. Each leaves an audit row of its own.

use store::StoreError;

use crate::Shared;

/// How many go in one transaction, which raises the epoch.
const BATCH: usize = 100;

pub(crate) async fn forget(shared: &Shared) -> Result<(), StoreError> {
    let now = shared.clock.stamp();
    let before = now.before(shared.settings.retention.silences);
    while shared.store.forget_silences(before, BATCH, now).await? == BATCH {
        tokio::task::yield_now().await;
    }
    Ok(())
}

//! Gives up what was parked too long, and forgets what is older than its class is kept (decisions.md 6, 12), a small
//! batch at a time.

use std::sync::Arc;
use std::time::Duration;

use delivery::state::LONGEST_HOLD;
use store::{RetentionClass, StoreError};
use tokio::sync::watch;

use super::silences;
use crate::{Retention, Shared};

/// How often everything is looked at, and how much goes in one transaction.
const EVERY: Duration = Duration::from_secs(10 * 60);
const BATCH: usize = 500;

pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => return,
        }
        if let Err(error) = give_up_parked(&shared).await {
            tracing::warn!("what was parked too long waits on: {error}");
        }
        if let Err(error) = silences::forget(&shared).await {
            tracing::warn!("silences that have ended are kept for longer: {error}");
        }
        for class in RetentionClass::ALL {
            if let Err(error) = prune(&shared, class, &stop).await {
                tracing::warn!("{} are kept for longer: {error}", class.as_str());
            }
        }
    }
}

/// An integration that sends nothing for thirty days leaves dead deliveries, which are listed and can be retried.
async fn give_up_parked(shared: &Shared) -> Result<(), StoreError> {
    let before = shared.clock.now().before(LONGEST_HOLD);
    while shared.store.give_up_parked(before, BATCH).await? == BATCH {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn prune(
    shared: &Shared,
    class: RetentionClass,
    stop: &watch::Receiver<bool>,
) -> Result<(), StoreError> {
    // The earlier of the two: a wall clock that jumps ahead must not make everything old at once.
    let now = shared.clock.now().min(shared.clock.stamp());
    let before = now.before(kept(&shared.settings.retention, class));
    while !*stop.borrow() && shared.store.prune(class, before, BATCH, now).await? == BATCH {
        // Others write in between.
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn kept(retention: &Retention, class: RetentionClass) -> Duration {
    match class {
        RetentionClass::Messages => retention.messages,
        RetentionClass::Delivered => retention.delivered,
        RetentionClass::Dead => retention.dead,
        RetentionClass::Audit | RetentionClass::Revisions => retention.audit,
        RetentionClass::WebhookIds => retention.webhook_ids,
        RetentionClass::IdempotencyKeys => retention.idempotency_keys,
        RetentionClass::Fingerprints => retention.fingerprints,
        RetentionClass::Known => retention.known,
        RetentionClass::Jobs => retention.jobs,
        RetentionClass::Sessions => domain::session::LONGEST,
    }
}

//! Forgets what is older than its class is kept (decisions.md 6), a small batch at a time.

use std::sync::Arc;
use std::time::Duration;

use store::{RetentionClass, StoreError};
use tokio::sync::watch;

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
        for class in RetentionClass::ALL {
            if let Err(error) = prune(&shared, class, &stop).await {
                tracing::warn!("{} are kept for longer: {error}", class.as_str());
            }
        }
    }
}

async fn prune(shared: &Shared, class: RetentionClass, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
    let now = shared.clock.now();
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
        RetentionClass::Audit => retention.audit,
        RetentionClass::WebhookIds => retention.webhook_ids,
        RetentionClass::IdempotencyKeys => retention.idempotency_keys,
        RetentionClass::Fingerprints => retention.fingerprints,
    }
}

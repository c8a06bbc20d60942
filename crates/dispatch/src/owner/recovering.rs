//! What happens when an integration sends again: its waiting retries come earlier, and nothing comes as one burst.

use std::num::NonZeroU32;
use std::sync::Arc;

use delivery::Recovery;
use domain::{DeliveryId, Timestamp};
use store::{Lease, StoreError};

use super::Owner;

/// Most waiting retries that are pulled forward at once; the others keep their due times.
const PULLED_FORWARD: usize = 100_000;
/// So few are no burst, and are sent as fast as the receiver takes them.
const FEW: usize = 20;
/// How many of those that are pulled forward come due in a second, where nothing else says it.
const RAMP_PER_SECOND: u32 = 200;

impl Owner {
    /// Begins to recover when the gate has just opened; tells nobody twice.
    pub(super) async fn recover(
        &mut self,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(since) = self.gate.heard() {
            (self.gate_moved, self.heard) = (true, true);
            self.closed_since = Some(since);
        }
        let Some(since) = self.closed_since else {
            return Ok(());
        };
        let backlog = self.shared.store.backlog(self.id).await?;
        self.closed_since = None;
        let since = backlog.oldest.map_or(since, |oldest| oldest.min(since));
        self.recovery = (backlog.count > FEW).then(|| Recovery::new(backlog.count, since, now));
        if let Some(recovery) = &self.recovery {
            let (count, pace) = (backlog.count, recovery.per_second());
            tracing::info!(integration.id = %self.id, "integration {} has {count} deliveries to make good, at most {pace} a second", self.id);
        }
        self.pull_forward(*lease);
        Ok(())
    }

    /// Whether one more may be sent, as far as pace goes; else from when on.
    pub(super) fn pace(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        if self
            .recovery
            .as_ref()
            .is_some_and(|recovery| recovery.is_over(now))
        {
            self.recovery = None;
        }
        if let Some(recovery) = &self.recovery
            && recovery.turn() > now
        {
            return Err(recovery.turn());
        }
        if let Some(rate) = &mut self.rate {
            rate.take(now)?;
        }
        match &mut self.recovery {
            Some(recovery) => recovery.take(now),
            None => Ok(()),
        }
    }

    fn ramp(&self) -> NonZeroU32 {
        let own = self
            .connector
            .as_ref()
            .and_then(|connector| connector.integration.delivery.rate_per_second);
        let default = NonZeroU32::new(RAMP_PER_SECOND).expect("the ramp is not zero");
        let pace = self.recovery.as_ref().map(Recovery::per_second);
        own.into_iter().chain(pace).min().unwrap_or(default)
    }

    /// Brings the waiting retries forward, ramped, so that an outage of an hour does not cost five (reliability.md).
    fn pull_forward(&mut self, lease: Lease) {
        let (shared, id, ramp) = (Arc::clone(&self.shared), self.id, self.ramp());
        let wake = Arc::clone(&self.wake);
        tokio::spawn(async move {
            let now = shared.clock.now();
            let moved = async {
                let waiting = shared.store.waiting(id, now, PULLED_FORWARD).await?;
                let waiting = waiting.into_iter().map(|(id, _)| id);
                let due = ramped(waiting, ramp, now);
                shared.store.pull_forward(&lease, due).await
            };
            if let Err(error) = moved.await {
                tracing::warn!("waiting retries keep their times: {error}");
            }
            wake.notify_one();
        });
        self.more = true;
    }

    /// Brings back what a clock that was set back since has left in the future: due times beyond the longest wait, and
    /// deliveries that were made later than now.
    pub(super) async fn mend_times(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let longest = domain::integration::Schedule::LONGEST_WAIT;
        let store = &self.shared.store;
        store.clamp_due(lease, now, longest).await?;
        // They are stamped by the wall clock, which may be ahead of the one that due times go by.
        let latest = now.max(self.shared.clock.stamp());
        let later = store.made_later(self.id, latest, PULLED_FORWARD).await?;
        if !later.is_empty() {
            tracing::warn!(integration.id = %self.id, "{} deliveries of integration {} were made by a clock that was ahead; they are due from now on", later.len(), self.id);
            let due = ramped(later.into_iter(), self.ramp(), now);
            store.pull_forward(lease, due).await?;
        }
        Ok(())
    }
}

/// When each of many waiting deliveries is due, from now on.
fn ramped(
    waiting: impl Iterator<Item = DeliveryId>,
    per_second: NonZeroU32,
    now: Timestamp,
) -> Vec<(DeliveryId, Timestamp)> {
    (0_u32..)
        .zip(waiting)
        .map(|(index, id)| (id, delivery::rate::ramped(index, per_second, now)))
        .collect()
}

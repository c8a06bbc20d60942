//! How an owner has written what came of its attempts: one batch under way at a time, further ones wait for it.

use domain::{DeliveryId, Timestamp};
use store::{Lease, Settlement, Settling, StoreError};
use tokio::sync::oneshot;

use super::Owner;

/// What is over and not yet written.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    waiting: Vec<Settlement>,
    under_way: Option<UnderWay>,
    /// Its write has failed and is made again before anything else.
    again: Option<Batch>,
}

/// A batch with what is to be remembered of it once it is written.
#[derive(Debug)]
struct Batch {
    settling: Settling,
    /// Each with when it is due again, if it is.
    deliveries: Vec<(DeliveryId, Option<Timestamp>)>,
}

#[derive(Debug)]
struct UnderWay {
    batch: Batch,
    answer: oneshot::Receiver<Result<bool, StoreError>>,
}

impl Unsettled {
    pub(super) fn push(&mut self, settlement: Settlement) {
        self.waiting.push(settlement);
    }

    /// Attempts that would be made again after a crash of now, besides those in flight.
    pub(super) fn len(&self) -> usize {
        let under_way = self.under_way.as_ref().map(|under_way| &under_way.batch);
        let batches = under_way.into_iter().chain(&self.again);
        self.waiting.len() + batches.map(|batch| batch.deliveries.len()).sum::<usize>()
    }

    /// Nothing is left to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none() && self.again.is_none()
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Waits for the end of the write that is under way; without one, for ever.
    pub(super) async fn ended(&mut self) -> Result<bool, StoreError> {
        match &mut self.under_way {
            Some(under_way) => (&mut under_way.answer).await.unwrap_or_else(|_| {
                let gone = "the write was given up".to_owned();
                Err(StoreError::Unavailable(gone))
            }),
            None => std::future::pending().await,
        }
    }
}

impl Batch {
    fn new(
        lease: Lease,
        waiting: Vec<Settlement>,
        gate: Option<delivery::Gate>,
        heard: bool,
    ) -> Self {
        let due = |settlement: &Settlement| {
            let state = &settlement.state;
            (state.status == delivery::Status::Pending).then_some(state.due_at)
        };
        let deliveries = waiting
            .iter()
            .map(|settlement| (settlement.delivery, due(settlement)))
            .collect();
        let settling = Settling::new(lease, waiting, gate);
        Self {
            settling: if heard { settling.heard() } else { settling },
            deliveries,
        }
    }
}

impl Owner {
    /// Begins to write what is over, unless a write is under way.
    pub(super) fn settle(&mut self, lease: Lease) {
        if self.unsettled.is_under_way() {
            return;
        }
        let batch = match self.unsettled.again.take() {
            Some(batch) => Batch {
                settling: batch.settling.under(lease),
                ..batch
            },
            None if self.unsettled.waiting.is_empty() && !self.gate_moved => return,
            None => {
                let waiting = std::mem::take(&mut self.unsettled.waiting);
                let gate = std::mem::take(&mut self.gate_moved).then(|| self.gate.clone());
                self.gate_saved |= gate.is_some();
                Batch::new(lease, waiting, gate, std::mem::take(&mut self.heard))
            }
        };
        let answer = self.shared.settler.settle(batch.settling.clone());
        self.unsettled.under_way = Some(UnderWay { batch, answer });
    }

    pub(super) fn settled(&mut self, result: Result<bool, StoreError>) {
        let Some(UnderWay { batch, .. }) = self.unsettled.under_way.take() else {
            return;
        };
        match result {
            // With a stale lease the new owner has them; this one ends as soon as it hears of it.
            Ok(_) => {
                for (delivery, due) in batch.deliveries {
                    self.busy.remove(&delivery);
                    self.next_due = [self.next_due, due].into_iter().flatten().min();
                }
            }
            Err(error) => {
                self.unsettled.again = Some(batch);
                // It may have moved on meanwhile.
                self.gate_moved = true;
                self.trouble(&error);
            }
        }
    }
}

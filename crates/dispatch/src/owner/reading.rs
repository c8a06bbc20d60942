//! What an owner has in memory of its due work: read in the order of due times, and beyond that from companies that wait
//! behind a flood of another.

use std::collections::HashSet;
use std::time::Duration;

use delivery::{Admission, Lane};
use domain::{CompanyId, DeliveryId, Timestamp};
use store::{Ahead, Due, Lease, Look, StoreError};

use super::Owner;
use crate::grouping;

/// How often an owner looks on behind a flood, at most.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A company with more than this part of the queue is crowded: others may pass it.
const CROWD: usize = 4;

/// How far an owner has looked behind what it has read in order.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    ahead: Ahead,
    /// There was nothing due beyond it.
    at_end: bool,
    /// Companies that had enough when deliveries of theirs were passed.
    passed: HashSet<CompanyId>,
    /// Not before then.
    not_before: Option<Timestamp>,
}

impl Lookout {
    /// Something came in: there may be more beyond the end.
    pub(super) fn news(&mut self) {
        self.at_end = false;
    }

    /// Looks from the beginning again, in its own time.
    fn begin_again(&mut self) {
        let not_before = self.not_before;
        *self = Self {
            not_before,
            ..Self::default()
        };
    }

    /// When the next look is worth its while, for an owner that has not read everything.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        (!self.at_end).then(|| self.not_before.unwrap_or(now))
    }
}

impl Owner {
    /// Reads due work while there is room for it and it may be sent.
    pub(super) async fn fill(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        if self.next_due.is_some_and(|due| due <= now) {
            self.next_due = None;
            self.more = true;
            self.lookout.news();
        }
        if !self.more || self.full() {
            return Ok(());
        }
        if let Admission::No { .. } = self.gate.admits(now, self.sending.len()) {
            return Ok(());
        }
        if self.queue.len() * 2 <= self.shared.settings.queue {
            self.read_in_order(lease, now).await?;
        }
        if self.more {
            self.look_behind(lease, now).await?;
        }
        Ok(())
    }

    async fn read_in_order(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let room = self.shared.settings.queue - self.queue.len();
        let page = self
            .shared
            .store
            .due(self.id, now, room, &self.busy)
            .await?;
        self.more = page.next_due.is_some_and(|due| due <= now);
        self.next_due = page.next_due.filter(|due| *due > now);
        if !self.more {
            self.lookout.begin_again();
        }
        self.enqueue(lease, page.items).await
    }

    /// Looks for companies that wait behind those which fill the queue.
    async fn look_behind(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let capacity = self.shared.settings.queue;
        // Others have as much room again as what is read in order.
        let room = (capacity * 2).saturating_sub(self.queue.len());
        self.look_at = self.lookout.next(now).filter(|_| room > 0);
        if self.look_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        let each = (capacity / CROWD).max(1);
        let crowded = self.queue.crowded(each);
        if !self.lookout.passed.is_subset(&crowded) {
            // Somebody who had enough has less now, and his deliveries were passed.
            self.lookout.begin_again();
        }
        let look = Look {
            integration: self.id,
            now,
            ahead: self.lookout.ahead,
            limit: room.min((capacity / 2).max(1)),
            each,
            skip: &self.busy,
            crowded: &crowded,
        };
        let others = self.shared.store.due_of_others(look).await?;
        self.lookout.ahead = others.ahead;
        self.lookout.at_end = others.at_end;
        self.lookout.passed.extend(others.passed);
        self.lookout.not_before = Some(now.after(LOOK_EVERY));
        self.look_at = self.lookout.next(now);
        self.enqueue(lease, others.items).await
    }

    /// Puts what was read into the queue, sealed.
    async fn enqueue(&mut self, lease: &Lease, mut items: Vec<Due>) -> Result<(), StoreError> {
        let open: Vec<DeliveryId> = items
            .iter()
            .filter(|due| due.alert.is_none())
            .map(|due| due.id)
            .collect();
        if !open.is_empty() {
            self.seal(lease, &open, &mut items).await?;
        }
        for due in items {
            self.busy.insert(due.id);
            let lane = Lane::of(due.critical, due.state.attempts);
            self.queue.push(lane, due.company, due);
        }
        Ok(())
    }

    /// Seals joined alerts whose window is over, and puts their bytes into the items.
    async fn seal(
        &mut self,
        lease: &Lease,
        open: &[DeliveryId],
        items: &mut Vec<Due>,
    ) -> Result<(), StoreError> {
        let configuration = self.shared.store.configuration().await?;
        let sealed = grouping::seal(&self.shared, &configuration, lease, open)
            .await?
            .unwrap_or_default();
        for due in items.iter_mut().filter(|due| due.alert.is_none()) {
            due.alert = sealed
                .iter()
                .find(|(id, _)| *id == due.id)
                .map(|(_, alert)| alert.clone());
        }
        // What could not be sealed now is read again later.
        items.retain(|due| due.alert.is_some());
        Ok(())
    }

    /// Drops what is queued and was cancelled, when some was.
    pub(super) async fn forget_cancelled(&mut self) -> Result<(), StoreError> {
        let recalls = self.shared.store.recalls();
        let queued: Vec<DeliveryId> = match recalls == self.recalls {
            true => Vec::new(),
            false => self.queue.iter().map(|due| due.id).collect(),
        };
        if queued.is_empty() {
            self.recalls = recalls;
            return Ok(());
        }
        let pending = self.shared.store.still_pending(&queued).await?;
        self.recalls = recalls;
        self.queue.retain(|due| pending.contains(&due.id));
        let gone = queued.iter().filter(|id| !pending.contains(id));
        gone.for_each(|id| {
            self.busy.remove(id);
        });
        Ok(())
    }

    /// Gives queued work back: it is read anew when the integration sends again.
    pub(super) fn forget_queue(&mut self) {
        while let Some(due) = self.queue.pop() {
            self.busy.remove(&due.id);
        }
        self.lookout = Lookout::default();
        self.more = true;
        self.next_due = None;
    }
}

//! The owner of one integration: its due work, its gate, its rate, and what came of each attempt.
//!
//! Theory of operation. The lease makes this task the only one that works the integration, so claims live in memory:
//! `busy` holds the ids that are queued, in flight or not yet settled, and the store is asked for due work without them.
//! Attempts run as tasks; their outcomes are settled in batches, one settle at a time, while further attempts run.
//! A crash loses nothing: what was not settled is due again, under the same `webhook-id`.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use connectors::{Ready, Sent};
use delivery::{Admission, DeadReason, Gate, GateChange, Lane, Outcome, Queue, Rate, Step};
use domain::integration::{Integration, Schedule};
use domain::{AttemptId, DeliveryId, IntegrationId, Timestamp};
use store::{Due, Lease, Settlement, StoreError};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::sending::{attempt, count, outgoing};
use crate::{Shared, grouping};

/// After an error of the store an owner waits this long before it asks again.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// Most waiting retries that are pulled forward when a gate admits again; the others keep their due times.
const PULLED_FORWARD: usize = 100_000;
/// How many of them come due in a second at an integration without a rate of its own.
const RAMP_PER_SECOND: u32 = 200;

/// A settle that is under way, with what it writes.
type Settling = JoinHandle<(Vec<Settlement>, Result<bool, StoreError>)>;

pub(crate) struct Owner {
    shared: Arc<Shared>,
    id: IntegrationId,
    lease: watch::Receiver<Option<Lease>>,
    wake: Arc<Notify>,
    stop: watch::Receiver<bool>,
    connector: Option<Connector>,
    gate: Gate,
    /// The gate has moved since it was last saved.
    gate_moved: bool,
    /// The epoch under which the gate was last read.
    epoch: u64,
    queue: Queue<Due>,
    rate: Option<Rate>,
    /// Queued, in flight or unsettled: not to be taken again.
    busy: HashSet<DeliveryId>,
    sending: JoinSet<(Due, Sent)>,
    unsettled: Vec<Settlement>,
    settling: Option<Settling>,
    /// There may be more due work than was read.
    more: bool,
    next_due: Option<Timestamp>,
    quiet_since: Timestamp,
    /// The store failed: nothing is asked of it before then.
    trouble_until: Option<Timestamp>,
}

/// An integration as it was when its connector was made.
struct Connector {
    integration: Arc<Integration>,
    ready: Arc<Ready>,
}

impl Owner {
    pub(crate) fn new(
        shared: Arc<Shared>,
        id: IntegrationId,
        lease: watch::Receiver<Option<Lease>>,
        wake: Arc<Notify>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let now = shared.clock.now();
        Self {
            shared,
            id,
            lease,
            wake,
            stop,
            connector: None,
            gate: Gate::default(),
            gate_moved: false,
            epoch: 0,
            queue: Queue::default(),
            rate: None,
            busy: HashSet::new(),
            sending: JoinSet::new(),
            unsettled: Vec::new(),
            settling: None,
            more: true,
            next_due: None,
            quiet_since: now,
            trouble_until: None,
        }
    }

    pub(crate) async fn run(mut self) -> IntegrationId {
        if let Err(error) = self.prepare().await {
            self.trouble(&error);
        }
        while let Some(lease) = self.held() {
            let now = self.shared.clock.now();
            let stopping = *self.stop.borrow();
            if stopping && self.is_quiet() {
                break;
            }
            if !stopping && self.trouble_until.is_none_or(|until| until <= now) {
                self.trouble_until = None;
                if let Err(error) = self.work(&lease, now).await {
                    self.trouble(&error);
                }
            }
            self.settle(lease);
            if self.is_quiet()
                && now.since(self.quiet_since) >= self.shared.settings.idle
                && !self.work_is_near(now)
            {
                break;
            }
            self.wait(now).await;
        }
        self.give_back().await;
        self.id
    }

    fn held(&self) -> Option<Lease> {
        *self.lease.borrow()
    }

    /// Nothing is in flight and nothing is left to be written.
    fn is_quiet(&self) -> bool {
        self.sending.is_empty() && self.settling.is_none() && self.unsettled.is_empty()
    }

    fn work_is_near(&self, now: Timestamp) -> bool {
        self.more
            || self
                .next_due
                .is_some_and(|due| due.since(now) < self.shared.settings.idle)
    }

    /// What the last owner left: the gate, and due times that a step of the clock may have put out of reach.
    async fn prepare(&mut self) -> Result<(), StoreError> {
        self.gate = self.shared.store.gate(self.id).await?;
        if let Some(lease) = self.held() {
            let now = self.shared.clock.now();
            self.shared
                .store
                .clamp_due(&lease, now, Schedule::LONGEST_WAIT)
                .await?;
        }
        Ok(())
    }

    /// Reads due work and begins what may be sent now.
    async fn work(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        if !self.refresh(now).await? {
            return Ok(());
        }
        self.fill(lease, now).await?;
        self.begin(lease, now);
        Ok(())
    }

    /// Looks whether the integration is still as it was. False when nothing may be sent to it.
    async fn refresh(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let configuration = self.shared.store.configuration().await?;
        let Some(integration) = configuration.integration(self.id) else {
            self.forget_queue();
            self.connector = None;
            return Ok(false);
        };
        self.ask_for_release(configuration.epoch).await?;
        let known = self
            .connector
            .as_ref()
            .is_some_and(|connector| connector.integration.version == integration.version);
        if !known {
            self.connector = None;
            // A person may have opened the gate meanwhile.
            self.gate = self.shared.store.gate(self.id).await?;
            self.gate_moved = false;
            self.rate = integration
                .delivery
                .rate_per_second
                .map(|rate| Rate::new(rate, now));
            let secrets = self.shared.store.secrets(self.id).await?;
            match Ready::new(integration, &secrets, self.shared.egress.clone()) {
                Ok(ready) => {
                    self.connector = Some(Connector {
                        integration: Arc::clone(integration),
                        ready: Arc::new(ready),
                    });
                }
                Err(error) => {
                    tracing::warn!(integration.id = %self.id, "integration {} cannot send: {error}", integration.name);
                    self.gate_moved |= self.gate.hold(error.reason(), now) != GateChange::None;
                }
            }
        }
        let sends = integration.enabled
            && integration.authenticated_at.is_some()
            && self.connector.is_some();
        if !sends {
            self.forget_queue();
        }
        Ok(sends)
    }

    /// A person may have opened the gate: that raises the epoch, not the integration's version.
    async fn ask_for_release(&mut self, epoch: u64) -> Result<(), StoreError> {
        let saved = !self.gate_moved && self.settling.is_none();
        if epoch != self.epoch && saved {
            self.epoch = epoch;
            if self.gate != Gate::default() {
                self.gate = self.shared.store.gate(self.id).await?;
            }
        }
        Ok(())
    }

    /// Gives queued work back: it is read anew when the integration sends again.
    fn forget_queue(&mut self) {
        while let Some(due) = self.queue.pop() {
            self.busy.remove(&due.id);
        }
        self.more = true;
        self.next_due = None;
    }

    async fn fill(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let capacity = self.shared.settings.queue;
        let due_now = self.more || self.next_due.is_some_and(|due| due <= now);
        if !due_now || self.queue.len() * 2 > capacity || self.full() {
            return Ok(());
        }
        if let Admission::No { .. } = self.gate.admits(now, self.sending.len()) {
            return Ok(());
        }
        let page = self
            .shared
            .store
            .due(self.id, now, capacity - self.queue.len(), &self.busy)
            .await?;
        self.more = page.next_due.is_some_and(|due| due <= now) && !page.items.is_empty();
        self.next_due = page.next_due;
        let open: Vec<DeliveryId> = page
            .items
            .iter()
            .filter(|due| due.alert.is_none())
            .map(|due| due.id)
            .collect();
        let mut items = page.items;
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

    fn full(&self) -> bool {
        self.unsettled.len() >= self.shared.settings.unsettled
    }

    fn begin(&mut self, lease: &Lease, now: Timestamp) {
        let Some(connector) = &self.connector else {
            return;
        };
        let (integration, ready) = (
            Arc::clone(&connector.integration),
            Arc::clone(&connector.ready),
        );
        let settings = &integration.delivery;
        // An attempt that the lease might not outlast is not begun (decisions.md 14).
        let outlasts =
            lease.until.since(now) > settings.timeout.min(self.shared.settings.lease / 2);
        while outlasts
            && !self.full()
            && self.sending.len() < usize::from(settings.concurrency.get())
        {
            match self.gate.admits(now, self.sending.len()) {
                Admission::No { .. } => break,
                Admission::Probe if self.queue.is_empty() => break,
                Admission::Probe => self.gate.probe(),
                Admission::Yes => {}
            }
            if let Some(rate) = &mut self.rate
                && !self.queue.is_empty()
                && let Err(until) = rate.take(now)
            {
                self.next_due = Some(self.next_due.map_or(until, |due| due.min(until)));
                break;
            }
            let Some(due) = self.queue.pop() else { break };
            self.send(due, &ready, settings.timeout, now);
        }
    }

    fn send(&mut self, mut due: Due, ready: &Arc<Ready>, timeout: Duration, now: Timestamp) {
        match due.state.next(now) {
            Step::Send => {}
            Step::GiveUp(reason) => return self.give_up(due, reason),
            Step::Wait { .. } | Step::Done => {
                self.busy.remove(&due.id);
                return;
            }
        }
        let alert = due.alert.take();
        let Some(outgoing) = alert.and_then(|alert| outgoing(&due, alert, timeout)) else {
            tracing::error!(delivery.id = %due.id, "the stored bytes of delivery {} were altered; it is not sent", due.id);
            return self.give_up(due, DeadReason::Corrupt);
        };
        let (ready, clock) = (Arc::clone(ready), self.shared.clock.clone());
        self.sending.spawn(async move {
            let mut sent = ready.send(std::slice::from_ref(&outgoing), &clock).await;
            let sent = sent.pop().expect("a connector answers once for each alert");
            (due, sent)
        });
    }

    fn give_up(&mut self, mut due: Due, reason: DeadReason) {
        due.state.give_up(reason);
        self.unsettled.push(Settlement {
            delivery: due.id,
            state: due.state,
            attempt: None,
        });
    }

    /// Takes in what an attempt came to.
    fn observe(&mut self, mut due: Due, sent: Sent) {
        count(&sent);
        let now = self.shared.clock.now();
        let Some(integration) = self
            .connector
            .as_ref()
            .map(|connector| Arc::clone(&connector.integration))
        else {
            // The integration is gone: what was in flight is written by whoever removed it.
            self.busy.remove(&due.id);
            return;
        };
        let number = due.state.attempts + 1;
        let (change, id) = self.shared.dice.roll(|rng| {
            due.state
                .observe(&sent.outcome, &integration.delivery, now, rng);
            (
                self.gate.observe(&sent.outcome, now, rng),
                AttemptId::new(now, rng),
            )
        });
        self.gate_changed(change, &integration);
        let record = !matches!(sent.outcome, Outcome::Held(_));
        let attempt = record.then(|| attempt(id, due.id, number, sent));
        self.unsettled.push(Settlement {
            delivery: due.id,
            state: due.state,
            attempt,
        });
    }

    fn gate_changed(&mut self, change: GateChange, integration: &Integration) {
        self.gate_moved |= change != GateChange::None;
        match change {
            GateChange::None | GateChange::Counted => {}
            GateChange::Rested => {
                tracing::warn!(integration.id = %self.id, "integration {} rests after failures in a row", integration.name);
            }
            GateChange::Held(reason) => {
                tracing::warn!(integration.id = %self.id, "integration {} is held: {}", integration.name, reason.explanation());
            }
            GateChange::Recovered => {
                tracing::info!(integration.id = %self.id, "integration {} admits again", integration.name);
                self.pull_forward(integration);
            }
        }
    }

    /// Brings the waiting retries forward, ramped, so that an outage of an hour does not cost five (reliability.md).
    fn pull_forward(&mut self, integration: &Integration) {
        let Some(lease) = self.held() else { return };
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        let default = NonZeroU32::new(RAMP_PER_SECOND).expect("the ramp is not zero");
        let per_second = integration.delivery.rate_per_second.unwrap_or(default);
        let wake = Arc::clone(&self.wake);
        tokio::spawn(async move {
            let now = shared.clock.now();
            let moved = async {
                let waiting = shared.store.waiting(id, now, PULLED_FORWARD).await?;
                let due = (0_u32..)
                    .zip(waiting)
                    .map(|(index, (id, _))| (id, delivery::rate::ramped(index, per_second, now)));
                shared.store.pull_forward(&lease, due.collect()).await
            };
            if let Err(error) = moved.await {
                tracing::warn!("waiting retries keep their times: {error}");
            }
            wake.notify_one();
        });
        self.more = true;
    }

    /// Begins to write what is over, unless a settle is under way.
    fn settle(&mut self, lease: Lease) {
        if self.settling.is_some() || (self.unsettled.is_empty() && !self.gate_moved) {
            return;
        }
        let batch = std::mem::take(&mut self.unsettled);
        let gate = std::mem::take(&mut self.gate_moved).then(|| self.gate.clone());
        let shared = Arc::clone(&self.shared);
        self.settling = Some(tokio::spawn(async move {
            let now = shared.clock.now();
            let settled = shared.store.settle(&lease, batch.clone(), gate, now).await;
            (batch, settled)
        }));
    }

    fn settled(&mut self, batch: Vec<Settlement>, result: Result<bool, StoreError>) {
        match result {
            // With a stale lease the new owner has them; this one ends as soon as it hears of it.
            Ok(_) => {
                for settlement in &batch {
                    self.busy.remove(&settlement.delivery);
                    let due = settlement.state.due_at;
                    if settlement.state.status == delivery::Status::Pending {
                        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
                    }
                }
            }
            Err(error) => {
                self.unsettled.splice(0..0, batch);
                self.gate_moved = true;
                self.trouble(&error);
            }
        }
    }

    fn trouble(&mut self, error: &StoreError) {
        tracing::warn!(integration.id = %self.id, error = %error, "integration {} waits for the store: {error}", self.id);
        self.trouble_until = Some(self.shared.clock.now().after(AFTER_TROUBLE));
    }

    /// Waits for whatever comes first: an attempt's end, a settle's end, new work, another lease, the next due time.
    async fn wait(&mut self, now: Timestamp) {
        let pause = self.pause(now);
        let settle = async {
            match &mut self.settling {
                Some(settling) => settling.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(ended) = self.sending.join_next() => {
                self.attempt_ended(ended);
                while let Some(ended) = self.sending.try_join_next() {
                    self.attempt_ended(ended);
                }
            }
            ended = settle => {
                self.settling = None;
                match ended {
                    Ok((batch, result)) => self.settled(batch, result),
                    // Their ids stay busy until the next owner, who finds them due.
                    Err(error) => tracing::error!("a settle of integration {} failed inside: {error}", self.id),
                }
            }
            () = self.wake.notified() => self.more = true,
            _ = self.lease.changed() => {}
            _ = self.stop.changed() => {}
            () = tokio::time::sleep(pause) => return,
        }
        self.quiet_since = self.shared.clock.now();
    }

    fn attempt_ended(&mut self, ended: Result<(Due, Sent), tokio::task::JoinError>) {
        match ended {
            Ok((due, sent)) => self.observe(due, sent),
            // Its id stays busy until the next owner: better late than twice at once.
            Err(error) => tracing::error!(
                "an attempt of integration {} failed inside: {error}",
                self.id
            ),
        }
    }

    /// How long there is nothing to do but wait.
    fn pause(&self, now: Timestamp) -> Duration {
        let gate = match self.gate.admits(now, self.sending.len()) {
            Admission::No { until } => until,
            Admission::Yes | Admission::Probe => self.next_due,
        };
        let wished = self
            .trouble_until
            .or(gate)
            .map_or(self.shared.settings.idle, |until| until.since(now));
        wished.clamp(Duration::from_millis(1), self.shared.settings.idle)
    }

    /// Gives the lease back, so that the next node need not wait for its end.
    async fn give_back(&self) {
        if let Some(lease) = self.held()
            && let Err(error) = self.shared.store.release_leases(&[lease]).await
        {
            tracing::warn!(
                "the lease of integration {} ends by itself: {error}",
                self.id
            );
        }
    }
}

//! The owner of one integration: its due work, its gate, its rate, and what came of each attempt.
//!
//! Theory of operation. The lease makes this task the only one that works the integration, so claims live in memory:
//! `busy` holds the ids that are queued, in flight or not yet settled, and the store is asked for due work without them.
//! Attempts run as tasks; their outcomes are settled in batches, one settle at a time, while further attempts run.
//! A crash loses nothing: what was not settled is due again, under the same `webhook-id`. So duplicates after one are at most
//! the attempts in flight and what [`Settings::unsettled`](crate::Settings) allows.
//!
//! What a person cancels is dead in the database at once. Before it sends anything, the owner sees that something was cancelled
//! and drops what of it is queued. An attempt that is in flight by then ends as it ends, and is written as it ended.
//!
//! Each attempt takes a place of the node (`places.rs`), so that targets that hang do not use up what others need. Due work
//! is read in `reading.rs`, written in `settling.rs`, and made good after an outage in `recovering.rs`.

mod reading;
mod recovering;
mod settling;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use connectors::{Ready, Sent};
use delivery::{Admission, DeadReason, Gate, GateChange, Outcome, Queue, Rate, Recovery, Step};
use domain::integration::Integration;
use domain::{AttemptId, DeliveryId, IntegrationId, Timestamp};
use store::{Due, Lease, Settlement, StoreError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::Shared;
use crate::places::Place;
use crate::sending::{attempt, count, outgoing};
use reading::Lookout;
use settling::Unsettled;

/// After an error of the store an owner waits this long before it asks again.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
pub(crate) struct Owner {
    shared: Arc<Shared>,
    id: IntegrationId,
    lease: watch::Receiver<Option<Lease>>,
    wake: Arc<Notify>,
    /// How often deliveries had been cancelled when the queue was last held against the store.
    recalls: u64,
    stop: watch::Receiver<bool>,
    connector: Option<Connector>,
    gate: Gate,
    /// The gate has moved since it was last saved.
    gate_moved: bool,
    /// It was saved since it was last read: a person who opened it meanwhile has kept the save from being made.
    gate_saved: bool,
    /// A person opened it, which the save after this may overwrite; one that was opened since, no save may.
    heard: bool,
    /// The epoch under which the gate was last read.
    epoch: u64,
    queue: Queue<Due>,
    rate: Option<Rate>,
    /// Queued, in flight or unsettled: not to be taken again.
    busy: HashSet<DeliveryId>,
    sending: JoinSet<(Due, Sent)>,
    unsettled: Unsettled,
    /// There may be more due work than was read.
    more: bool,
    lookout: Lookout,
    next_due: Option<Timestamp>,
    /// Rung when there may be a place again, for one that asked in vain.
    room: Arc<Notify>,
    waits_for_room: bool,
    found_no_room: bool,
    /// When it is worth while to look behind a flood again.
    look_at: Option<Timestamp>,
    /// Rate or recovery let nothing begin before then.
    paced_until: Option<Timestamp>,
    /// The gate has opened just now, and nothing got through since then.
    closed_since: Option<Timestamp>,
    recovery: Option<Recovery>,
    quiet_since: Timestamp,
    /// The store failed: nothing is asked of it before then.
    trouble_until: Option<Timestamp>,
}

/// An integration as it was when its connector was made.
struct Connector {
    integration: Arc<Integration>,
    ready: Arc<Ready>,
}

impl Drop for Owner {
    /// Also one that fails leaves no place kept for it.
    fn drop(&mut self) {
        self.shared.places.leave(self.id);
    }
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
            recalls: 0,
            connector: None,
            gate: Gate::default(),
            gate_moved: false,
            gate_saved: false,
            heard: false,
            epoch: 0,
            queue: Queue::default(),
            rate: None,
            busy: HashSet::new(),
            sending: JoinSet::new(),
            unsettled: Unsettled::default(),
            more: true,
            lookout: Lookout::default(),
            next_due: None,
            room: Arc::default(),
            waits_for_room: false,
            found_no_room: false,
            look_at: None,
            paced_until: None,
            closed_since: None,
            recovery: None,
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
            if self.trouble_until.is_none_or(|until| until <= now) {
                self.trouble_until = None;
                if !stopping && let Err(error) = self.work(&lease, now).await {
                    self.trouble(&error);
                }
                self.settle(lease);
            }
            self.leave_room();
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
        self.sending.is_empty() && self.unsettled.is_empty()
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
            self.mend_times(&lease, self.shared.clock.now()).await?;
        }
        Ok(())
    }

    /// Reads due work and begins what may be sent now.
    async fn work(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.paced_until = None;
        self.look_at = None;
        if !self.refresh(now).await? {
            return Ok(());
        }
        self.forget_cancelled().await?;
        self.recover(lease, now).await?;
        self.fill(lease, now).await?;
        self.begin(lease, now);
        if self.queue.is_empty() && !self.more {
            self.recovery = None;
        }
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
        let saved = !self.gate_moved && !self.unsettled.is_under_way();
        if epoch != self.epoch && saved {
            self.epoch = epoch;
            if self.gate != Gate::default() || std::mem::take(&mut self.gate_saved) {
                self.gate = self.shared.store.gate(self.id).await?;
            }
        }
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
            && !self.queue.is_empty()
            && self.sending.len() < usize::from(settings.concurrency.get())
        {
            if self.recalls != self.shared.store.recalls() {
                self.paced_until = Some(now);
                break;
            }
            match self.gate.admits(now, self.sending.len()) {
                Admission::No { .. } => break,
                Admission::Probe => self.gate.probe(),
                Admission::Yes => {}
            }
            let Some(place) = self.shared.places.take(self.id, &self.room) else {
                self.found_no_room = true;
                break;
            };
            if let Err(until) = self.pace(now) {
                self.paced_until = Some(until);
                break;
            }
            let Some(due) = self.queue.pop() else { break };
            self.send(due, place, &ready, settings.timeout, now);
        }
    }

    /// A place is kept for whoever was called, so one that wants none any more says so.
    fn leave_room(&mut self) {
        let still_waits = std::mem::take(&mut self.found_no_room);
        if self.waits_for_room && !still_waits {
            self.shared.places.leave(self.id);
        }
        self.waits_for_room = still_waits;
    }

    fn send(
        &mut self,
        mut due: Due,
        place: Place,
        ready: &Arc<Ready>,
        timeout: Duration,
        now: Timestamp,
    ) {
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
            drop(place);
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
        let closed_since = self.gate.since();
        let (change, id) = self.shared.dice.roll(|rng| {
            due.state
                .observe(&sent.outcome, &integration.delivery, now, rng);
            (
                self.gate.observe(&sent.outcome, now, rng),
                AttemptId::new(now, rng),
            )
        });
        self.gate_changed(change, closed_since.unwrap_or(now), &integration);
        let record = !matches!(sent.outcome, Outcome::Held(_));
        let attempt = record.then(|| attempt(id, due.id, number, sent));
        self.unsettled.push(Settlement {
            delivery: due.id,
            state: due.state,
            attempt,
        });
    }

    fn gate_changed(&mut self, change: GateChange, since: Timestamp, integration: &Integration) {
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
                self.closed_since = Some(since);
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
        tokio::select! {
            biased;
            Some(ended) = self.sending.join_next() => {
                self.attempt_ended(ended);
                while let Some(ended) = self.sending.try_join_next() {
                    self.attempt_ended(ended);
                }
            }
            result = self.unsettled.ended() => self.settled(result),
            () = self.wake.notified() => {
                self.more = true;
                self.lookout.news();
            }
            () = self.room.notified() => {}
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
            Admission::Yes | Admission::Probe => {
                let look = self.lookout.next(now).filter(|_| self.more);
                [self.next_due, self.paced_until, look]
                    .into_iter()
                    .flatten()
                    .min()
            }
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

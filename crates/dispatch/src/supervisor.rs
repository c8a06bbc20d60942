//! Holds this node's leases: takes them when work is rung for or found by the sweep, renews them, and wakes the owners.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::IntegrationId;
use store::{Lease, Notice, StoreError};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::Shared;
use crate::owner::Owner;

/// How an owner is spoken to.
struct Handle {
    lease: watch::Sender<Option<Lease>>,
    wake: Arc<Notify>,
    task: Id,
}

struct Supervisor {
    shared: Arc<Shared>,
    owners: HashMap<IntegrationId, Handle>,
    tasks: JoinSet<IntegrationId>,
    stop: watch::Receiver<bool>,
    /// Integrations with work whose lease somebody else holds, or whose retry lies ahead.
    later: HashMap<IntegrationId, domain::Timestamp>,
}

/// Works until told to stop, then waits for the owners to end.
pub(crate) async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let supervisor = Supervisor {
        shared,
        owners: HashMap::new(),
        tasks: JoinSet::new(),
        stop,
        later: HashMap::new(),
    };
    supervisor.run().await;
}

impl Supervisor {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut notices = shared.store.notices();
        let mut sweep = every(shared.settings.sweep);
        let mut renewal = every(shared.settings.lease / 3);
        loop {
            let alarm = self.alarm();
            tokio::select! {
                rung = shared.store.bell().rung() => {
                    if rung.everything {
                        self.sweep().await;
                    }
                    let rung: Vec<_> = rung.integrations.into_iter().collect();
                    self.wake(&rung).await;
                }
                notice = notices.recv() => self.notice(notice).await,
                _ = sweep.tick() => self.sweep().await,
                _ = renewal.tick() => self.renew().await,
                () = tokio::time::sleep(alarm) => self.ring_the_due().await,
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                _ = self.stop.changed() => break,
            }
        }
        // The owners have heard it too: they finish what is in flight.
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(ended);
        }
    }

    /// How long until an integration without an owner has something due.
    fn alarm(&self) -> Duration {
        let now = self.shared.clock.now();
        let earliest = self.later.values().min();
        earliest
            .map_or(self.shared.settings.sweep, |due| due.since(now))
            .min(self.shared.settings.sweep)
    }

    async fn ring_the_due(&mut self) {
        let now = self.shared.clock.now();
        let due: Vec<_> = self
            .later
            .iter()
            .filter(|(_, due)| **due <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in &due {
            self.later.remove(id);
        }
        self.wake(&due).await;
    }

    async fn notice(&mut self, notice: Result<Notice, broadcast::error::RecvError>) {
        match notice {
            Ok(Notice::Events) => {}
            // An integration may have been switched on, released or given new credentials: its owner looks.
            Ok(Notice::Configuration(_)) => self
                .owners
                .values()
                .for_each(|owner| owner.wake.notify_one()),
            Ok(Notice::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => self.sweep().await,
            Err(broadcast::error::RecvError::Closed) => {}
        }
    }

    /// Wakes owners, and takes leases of integrations that have none.
    async fn wake(&mut self, rung: &[IntegrationId]) {
        let mut wanted = Vec::new();
        for id in rung {
            match self.owners.get(id) {
                Some(owner) => owner.wake.notify_one(),
                None => wanted.push(*id),
            }
        }
        wanted.truncate(
            self.shared
                .settings
                .integrations
                .saturating_sub(self.owners.len()),
        );
        if wanted.is_empty() {
            return;
        }
        let now = self.shared.clock.now();
        match self
            .shared
            .store
            .take_leases(&wanted, self.shared.settings.lease, now)
            .await
        {
            Ok(leases) => leases.into_iter().for_each(|lease| self.begin(lease)),
            Err(error) => self.trouble("take leases", &error),
        }
    }

    fn begin(&mut self, lease: Lease) {
        let (sender, receiver) = watch::channel(Some(lease));
        let wake = Arc::new(Notify::new());
        let owner = Owner::new(
            Arc::clone(&self.shared),
            lease.integration,
            receiver,
            Arc::clone(&wake),
            self.stop.clone(),
        );
        let task = self.tasks.spawn(owner.run()).id();
        self.owners.insert(
            lease.integration,
            Handle {
                lease: sender,
                wake,
                task,
            },
        );
    }

    /// An owner has ended: it had nothing to do, lost its lease, or panicked. In the last case the lease runs out by itself.
    fn ended(&mut self, ended: Result<IntegrationId, tokio::task::JoinError>) {
        match ended {
            Ok(integration) => {
                self.owners.remove(&integration);
            }
            Err(error) => {
                tracing::error!("the owner of an integration failed: {error}");
                self.owners.retain(|_, handle| handle.task != error.id());
            }
        }
    }

    /// Looks at all integrations with pending work.
    async fn sweep(&mut self) {
        let now = self.shared.clock.now();
        match self
            .shared
            .store
            .with_work(now, self.shared.settings.integrations)
            .await
        {
            Ok(work) => {
                let (due, later): (Vec<_>, Vec<_>) =
                    work.into_iter().partition(|(_, at)| *at <= now);
                self.later = later
                    .into_iter()
                    .filter(|(id, _)| !self.owners.contains_key(id))
                    .collect();
                let due: Vec<_> = due.into_iter().map(|(id, _)| id).collect();
                self.wake(&due).await;
            }
            Err(error) => self.trouble("look for due work", &error),
        }
    }

    async fn renew(&mut self) {
        let held: Vec<Lease> = self
            .owners
            .values()
            .filter_map(|owner| *owner.lease.borrow())
            .collect();
        if held.is_empty() {
            return;
        }
        let now = self.shared.clock.now();
        match self
            .shared
            .store
            .renew_leases(&held, self.shared.settings.lease, now)
            .await
        {
            Ok(renewed) => {
                let mut renewed: HashMap<_, _> = renewed
                    .into_iter()
                    .map(|lease| (lease.integration, lease))
                    .collect();
                for (id, owner) in &self.owners {
                    owner.lease.send_replace(renewed.remove(id));
                }
            }
            // The leases stay as they are: each owner stops sending when its own runs out.
            Err(error) => self.trouble("renew leases", &error),
        }
    }

    fn trouble(&self, what: &str, error: &StoreError) {
        tracing::warn!(error = %error, "cannot {what}: {error}");
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

//! The delivery shell: lease an integration, take its due work, ask `delivery`, send by a connector, settle.
//!
//! What it is for: [`Dispatcher::start`] works all integrations that this node can lease, and runs the upkeep of [`jobs`].
//!
//! What it never does: decide when to retry (that is `delivery`), write SQL, open a socket. It obeys.
//!
//! Dramatis personae: the `supervisor.rs` holds leases and wakes owners; an `owner.rs` works one integration, with
//! its gate, its queue and its rate in memory; a send runs as a task of its own, so that one core is not the limit, and takes
//! one of the node's `places.rs`. What comes of the sends of all owners is written by the `settler.rs`.
//!
//! Start reading at `supervisor.rs`, then `owner.rs`.

mod grouping;
pub mod jobs;
mod owner;
mod places;
mod sending;
mod settings;
mod settler;
mod supervisor;

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Dice};
use egress::Egress;
use receive::Receiver;
use store::Store;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use places::Places;
pub use settings::{Retention, Settings};
use settler::Settler;

/// What every part of the shell shares.
pub(crate) struct Shared {
    pub(crate) store: Store,
    /// By which what imports found is raised.
    pub(crate) receiver: Receiver,
    pub(crate) egress: Egress,
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) settings: Settings,
    pub(crate) places: Arc<Places>,
    /// One turn for all work behind the ack path: connections to the database are for those who wait.
    pub(crate) behind: Semaphore,
    pub(crate) settler: Settler,
}

/// The delivering half of a node.
#[derive(Debug)]
pub struct Dispatcher {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Dispatcher {
    /// Begins to deliver. A node that has an intake too gives its own receiver: both keep to one quota.
    #[must_use]
    pub fn start(
        store: Store,
        receiver: Receiver,
        egress: Egress,
        clock: Clock,
        dice: Dice,
        settings: Settings,
    ) -> Self {
        let shared = Arc::new(Shared {
            places: Places::new(settings.in_flight),
            behind: Semaphore::new(1),
            settler: Settler::start(&store, settings.integrations),
            store,
            receiver,
            egress,
            clock,
            dice,
            settings,
        });
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor::run(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(jobs::retention::run(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(jobs::replay::run(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(jobs::drift::run(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(jobs::figures::run(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(jobs::sealing::run(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(jobs::search::run(shared, stopped));
        Self { stop, tasks }
    }

    /// Begins no further send, waits for those in flight (at most `grace`), settles them and gives the leases back.
    pub async fn stop(mut self, grace: Duration) {
        // Nobody listens any more when every task has ended already.
        let _ = self.stop.send(true);
        let ended = tokio::time::timeout(grace, async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
        if ended.is_err() {
            tracing::warn!(
                "deliveries were still in flight after {grace:?}; they will be made again"
            );
        }
    }
}

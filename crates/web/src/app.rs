//! What every handler has in hand.

use std::sync::Arc;

use domain::{Clock, Dice, Timestamp};
use egress::Egress;
use metrics_exporter_prometheus::PrometheusHandle;
use rand::Rng as _;
use rand::rngs::StdRng;
use receive::Receiver;
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::disk::Disk;
use crate::door::Door;
use crate::meters::Meters;
use crate::tallies::Tallies;
use crate::test_sends::TestSends;
use crate::verification::Verification;

/// Verifications of the journal at once: each reads all of it.
const VERIFICATIONS: usize = 1;

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Parts {
    pub store: Store,
    pub egress: Egress,
    pub receiver: Receiver,
    pub clock: Clock,
    pub dice: Dice,
    pub settings: Settings,
    /// Of the recorder that was installed before; `/metrics` prints it.
    pub metrics: PrometheusHandle,
    /// Where the state folder is.
    pub disk: Disk,
}

/// Everything the server works with. A clone is cheap.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    parts: Parts,
    meters: Meters,
    test_sends: TestSends,
    tallies: Tallies,
    streams: Arc<Semaphore>,
    what_ifs: Semaphore,
    exports: Arc<Semaphore>,
    imports: Arc<Semaphore>,
    verifications: Semaphore,
    verification: Verification,
    started_at: Timestamp,
    door: Door,
    closing: CancellationToken,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.0.parts.settings)
            .finish_non_exhaustive()
    }
}

impl App {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let streams = Arc::new(Semaphore::new(parts.settings.streams));
        let test_sends = TestSends::new(parts.settings.test_sends_per_minute);
        let what_ifs = Semaphore::new(parts.settings.what_ifs);
        let exports = Arc::new(Semaphore::new(parts.settings.exports));
        let imports = Arc::new(Semaphore::new(parts.settings.imports));
        let door = Door::new(parts.settings.hashings, parts.settings.hashings_waiting);
        let meters = Meters::new();
        let started_at = parts.clock.stamp();
        Self(Arc::new(Inner {
            parts,
            meters,
            test_sends,
            tallies: Tallies::default(),
            streams,
            what_ifs,
            exports,
            imports,
            verifications: Semaphore::new(VERIFICATIONS),
            verification: Verification::default(),
            started_at,
            door,
            closing: CancellationToken::new(),
        }))
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.0.parts.egress
    }

    #[must_use]
    pub fn receiver(&self) -> &Receiver {
        &self.0.parts.receiver
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    /// The time as it is shown and noted.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.parts.clock.stamp()
    }

    #[must_use]
    pub fn dice(&self) -> &Dice {
        &self.0.parts.dice
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.0.parts.disk
    }

    pub(crate) fn metrics(&self) -> &PrometheusHandle {
        &self.0.parts.metrics
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.0.meters
    }

    pub(crate) fn test_sends(&self) -> &TestSends {
        &self.0.test_sends
    }

    pub(crate) fn tallies(&self) -> &Tallies {
        &self.0.tallies
    }

    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    /// One permit for each question over stored events that may be worked at.
    pub(crate) fn what_ifs(&self) -> &Semaphore {
        &self.0.what_ifs
    }

    /// One permit for each export of events that may be under way.
    pub(crate) fn exports(&self) -> &Arc<Semaphore> {
        &self.0.exports
    }

    /// One permit for each file of a scanner that may be read.
    pub(crate) fn imports(&self) -> &Arc<Semaphore> {
        &self.0.imports
    }

    /// One permit for each verification of the journal that may be at work.
    pub(crate) fn verifications(&self) -> &Semaphore {
        &self.0.verifications
    }

    /// How the verification of the journal stands that was last begun on this node.
    pub(crate) fn verification(&self) -> &Verification {
        &self.0.verification
    }

    /// When this node was started.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// Where people sign in.
    pub(crate) fn door(&self) -> &Door {
        &self.0.door
    }

    /// Cancelled when the server shuts down, so that answers without an end come to one.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// A new id of whatever kind: `app.fresh(CompanyId::new)`.
    pub(crate) fn fresh<T>(&self, make: impl FnOnce(Timestamp, &mut StdRng) -> T) -> T {
        let now = self.now();
        self.dice().roll(|rng| make(now, rng))
    }

    /// Names a request in answers and in the log.
    pub(crate) fn request_id(&self) -> String {
        self.dice().roll(|rng| format!("{:016x}", rng.next_u64()))
    }
}

//! The only SQL of Alertwire: a [`Store`] over one of two databases, SQLite or PostgreSQL.
//!
//! What it is for: whole transactions in the domain's words ([`Store::accept`], [`Store::change`], [`Store::settle_all`], …)
//! and the reads that the API, the console and the owners of deliveries need. Secrets are sealed here on their way in.
//! An answer of success means that the commit was fsynced.
//!
//! What it never does: it decides nothing about routing or retrying, sends nothing, reads no clock
//! (PostgreSQL's own clock guards leases, decisions.md 15) and makes no task outlive [`Store::close`].
//!
//! Where to start reading: [`accept`] (an alert comes in), then [`delivery`] (it goes out), then [`configuration`].
//! Each aggregate's folder has `mod.rs` (types and public methods), `sqlite.rs` and `postgres.rs`.

pub mod accept;
pub mod audit;
pub mod configuration;
pub mod delivery;
pub mod drift;
pub mod event;
pub mod figures;
pub mod health;
pub mod job;
pub mod known;
pub mod lease;
pub mod message;
pub mod proof;
pub mod reading;
pub mod retention;
pub mod search;
pub mod session;

mod bell;
mod codec;
mod error;
mod migrations;
mod notices;
mod page;
mod postgres;
mod seal;
mod settings;
mod sqlite;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::catalogue::Catalogue;
use domain::{Dice, KeyId, NodeId, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub use accept::{Acceptance, Accepted, Idempotency, NewDelivery, NewGroup, Receipt};
pub use audit::{AuditActor, AuditQuery, AuditRow};
pub use bell::{Bell, Rung};
pub use configuration::{Change, Restored, Rollback};
pub use delivery::{
    Ahead, Attempt, Backlog, Breakdown, Cancel, Codes, DeadLetterRow, DeadLetters, DeadQuery,
    DeliveryPage, DeliveryQuery, DeliveryRow, Due, DuePage, Followed, Hit, Hits, HitsQuery,
    LastTry, Look, Others, Retried, Settlement, Settling, Share, Standing, Target, UpTo,
};
pub use domain::alert::Alert as FrozenAlert;
pub use drift::{DriftRound, Sighting, Watched, WatchedKey};
pub use error::StoreError;
pub use event::{EventDelivery, EventPage, EventQuery, LISTED, Silenced, Unrouted};
pub use figures::{DeadNow, Figures, Lags, Slot, Span, WaitingNow};
pub use health::Health;
pub use job::{
    Again, Begun, FINDINGS_BATCH, ImportSpec, Item, Job, JobKind, JobLease, JobSpec, JobStep,
    JobWork, Listed, NewImport, NewJob, Once, Release, Steered, Worked,
};
pub use lease::Lease;
pub use notices::Notice;
pub use page::{Page, PageAt};
pub use proof::{Checked, Day, Fault, Receipt as KeptReceipt, ReceiptState, Sealed};
pub use reading::{NewReading, NewReadings, PastReading, Stored, ToReadAgain};
pub use retention::{PrunedRow, RetentionClass};
pub use settings::{Database, SealingKey, Settings};

use configuration::Cached;
use notices::Notices;
use postgres::Postgres;
use proof::Notary;
use seal::Seal;
use sqlite::Sqlite;

/// Everything that Alertwire remembers. A clone is another handle on the same store.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Backend,
    node: NodeId,
    instance: String,
    seal: Arc<Seal>,
    notary: Notary,
    notices: Arc<Notices>,
    cached: Cached,
    /// What the entries of event kinds extend.
    catalogue: Arc<Catalogue>,
    dice: Dice,
    /// When each API key's last use was written, so that it is written at most once a minute.
    touched: Mutex<HashMap<KeyId, Timestamp>>,
}

#[derive(Debug)]
enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Name of the row that holds the instance id.
const INSTANCE: &str = "instance";
/// Name of the row that tells whether the sealing key is the one that the secrets were sealed by.
const KEY_CHECK: &str = "key_check";

impl Store {
    /// Opens the database, migrates it, and checks that the sealing key is its own. `rng_seed` is real randomness:
    /// nonces of sealed secrets and ids of replays come from it.
    pub async fn open(
        settings: Settings,
        now: Timestamp,
        rng_seed: [u8; 32],
    ) -> Result<Self, StoreError> {
        let notices = Arc::new(Notices::new());
        let backend = match &settings.database {
            Database::Sqlite(path) => {
                Backend::Sqlite(Sqlite::open(path, &settings, &notices, now).await?)
            }
            Database::Postgres(url) => {
                Backend::Postgres(Postgres::open(url, &settings, &notices, now).await?)
            }
        };
        let seal = Arc::new(Seal::new(&settings.key));
        let instance = backend
            .keep(INSTANCE, &codec::hex(&settings.instance_seed))
            .await?;
        if backend.keep(KEY_CHECK, &seal.check_value()).await? != seal.check_value() {
            return Err(StoreError::WrongKey);
        }
        Ok(Self(Arc::new(Inner {
            backend,
            node: settings.node,
            instance,
            notary: Notary::new(&seal),
            seal,
            notices,
            cached: Cached::default(),
            catalogue: settings.catalogue,
            dice: Dice::new(StdRng::from_seed(rng_seed)),
            touched: Mutex::default(),
        })))
    }

    /// This node, stable over restarts.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.node
    }

    /// Names this installation in `alertwire-via`; all nodes of one database share it.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.0.instance
    }

    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.0.backend, Backend::Postgres(_))
    }

    /// HMAC-SHA256 of a secret under a key that is derived from the sealing key for this purpose alone.
    #[must_use]
    pub fn keyed_digest(&self, purpose: &str, secret: &[u8]) -> [u8; 32] {
        self.0.seal.digest(purpose, secret)
    }

    /// Integrations that have new due work, as accepts and settles of all nodes tell.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        self.0.notices.bell()
    }

    /// What has changed, for pages that are open. A receiver that lags is told by [`tokio::sync::broadcast`] itself.
    #[must_use]
    pub fn notices(&self) -> tokio::sync::broadcast::Receiver<Notice> {
        self.0.notices.subscribe()
    }

    /// Writes what waits, then stops the writer. Calls that come later answer [`StoreError::Unavailable`].
    pub async fn close(self) {
        match &self.0.backend {
            Backend::Sqlite(db) => db.close().await,
            Backend::Postgres(db) => db.close().await,
        }
    }
}

impl Backend {
    /// The value kept under a name; the given one is kept when there is none yet.
    async fn keep(&self, name: &'static str, value: &str) -> Result<String, StoreError> {
        match self {
            Self::Sqlite(db) => db.keep(name, value).await,
            Self::Postgres(db) => db.keep(name, value).await,
        }
    }
}

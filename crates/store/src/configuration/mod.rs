//! Companies, sources, integrations, event kinds, event sets, rules, mappings, silences, keys and users: small things that are read whole, as one snapshot.
//!
//! Each is a document in one table, with a second table that says which one refers to which. So a change of any of
//! them is the same few statements, and "still in use" and "no such thing" are found in one way for all.

mod document;
mod item;
pub(crate) mod postgres;
pub(crate) mod revision;
mod rollback;
pub(crate) mod sqlite;
mod told;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::access::{Actor, ApiKey};
use domain::company::Company;
use domain::configuration::Configuration;
use domain::event_kind::EventKind;
use domain::event_set::EventSet;
use domain::integration::{Integration, Secrets};
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::silence::Silence;
use domain::source::Source;
use domain::user::User;
use domain::{
    CompanyId, EventKindId, EventSetId, IntegrationId, KeyId, RuleId, SilenceId, SourceId,
    Timestamp, UserId,
};
use serde_json::Value;

use crate::seal::Seal;
use crate::{Backend, Store, StoreError};

pub(crate) use document::UserDocument;
pub(crate) use item::{Edit, Item, Kind, Op, PreparedChange, PreparedChanges, Reference};
pub use rollback::{Restored, Rollback};

/// A change of the configuration; it raises the epoch and leaves audit rows and revisions, in the same transaction.
#[derive(Debug, Clone)]
pub enum Change {
    InsertCompany(Company),
    UpdateCompany(Company),
    /// Also its mappings. In use while a source or an integration names it.
    RemoveCompany(CompanyId),
    /// Its signature secrets are sealed on the way in.
    InsertSource(Source),
    UpdateSource(Source),
    RemoveSource(SourceId),
    InsertIntegration {
        integration: Integration,
        secrets: Secrets,
    },
    /// Without secrets the stored ones are kept. The version is the store's own and goes up by one.
    UpdateIntegration {
        integration: Integration,
        secrets: Option<Secrets>,
    },
    /// The report of a check; a good one sets `authenticated_at`, a bad one clears it.
    Checked {
        id: IntegrationId,
        at: Timestamp,
        ok: bool,
        report: Value,
    },
    /// A person's switch.
    SetEnabled {
        id: IntegrationId,
        enabled: bool,
    },
    /// A person opens the gate.
    ReleaseGate {
        id: IntegrationId,
    },
    /// Also its rules and mappings; its pending deliveries end as dead.
    RemoveIntegration(IntegrationId),
    InsertEventKind(EventKind),
    UpdateEventKind(EventKind),
    /// Events of the kind keep its code.
    RemoveEventKind(EventKindId),
    InsertEventSet(EventSet),
    UpdateEventSet(EventSet),
    RemoveEventSet(EventSetId),
    InsertRule(IntegrationRule),
    UpdateRule(IntegrationRule),
    /// In use while a mapping names it.
    RemoveRule(RuleId),
    /// Each takes the place of the one for the same integration and company.
    PutMappings(Vec<CompanyMapping>),
    RemoveMapping {
        integration: IntegrationId,
        company: MappedTo,
    },
    InsertSilence(Silence),
    UpdateSilence(Silence),
    /// A person ended it before its time.
    EndSilence(Silence),
    RemoveSilence(SilenceId),
    InsertKey(ApiKey),
    RemoveKey(KeyId),
    InsertUser(User),
    /// Ends the user's sessions, whatever of the user it changes.
    UpdateUser(User),
    /// Also their sessions.
    RemoveUser(UserId),
}

/// The newest snapshot that was read.
#[derive(Debug, Default)]
pub(crate) struct Cached {
    snapshot: RwLock<Option<Arc<Configuration>>>,
    /// Held while reading, so that a change makes one reader read and not all of them.
    reading: tokio::sync::Mutex<()>,
}

/// Everything that the snapshot is made of, as read in one transaction.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) epoch: i64,
    pub(crate) items: Vec<LoadedItem>,
    /// When each key was last used.
    pub(crate) key_uses: Vec<(Vec<u8>, i64)>,
}

#[derive(Debug)]
pub(crate) struct LoadedItem {
    pub(crate) kind: String,
    pub(crate) id: Vec<u8>,
    pub(crate) document: String,
    pub(crate) sealed: Option<Vec<u8>>,
}

impl Cached {
    /// The snapshot, if it is of this epoch or a later one.
    fn of(&self, epoch: u64) -> Option<Arc<Configuration>> {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        snapshot
            .as_ref()
            .filter(|snapshot| snapshot.epoch >= epoch)
            .cloned()
    }

    fn put(&self, snapshot: &Arc<Configuration>) {
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(snapshot));
    }
}

impl Store {
    /// The configuration as the database has it now: another process (`alertwire key create`) may have changed it
    /// without telling this one. For whoever did not find what it looked for.
    pub async fn newest_configuration(&self) -> Result<Arc<Configuration>, StoreError> {
        let epoch = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::epoch(db).await?,
            Backend::Postgres(db) => postgres::epoch(db).await?,
        };
        self.0.notices.moved(epoch);
        self.configuration().await
    }

    /// The newest configuration that this node knows of. It is read from the database only when the epoch has moved, and
    /// then only what is new, as far as revisions reach back.
    pub async fn configuration(&self) -> Result<Arc<Configuration>, StoreError> {
        let inner = &*self.0;
        if let Some(snapshot) = inner.cached.of(inner.notices.epoch()) {
            return Ok(snapshot);
        }
        let _reading = inner.cached.reading.lock().await;
        if let Some(snapshot) = inner.cached.of(inner.notices.epoch()) {
            return Ok(snapshot);
        }
        let snapshot = Arc::new(match inner.cached.of(0) {
            Some(known) => self.next(known).await?,
            None => self.load().await?,
        });
        inner.cached.put(&snapshot);
        inner.notices.moved(snapshot.epoch);
        Ok(snapshot)
    }

    /// The newest configuration, made of one that is known and of what has changed since: a change costs what it
    /// touched, not all that there is.
    async fn next(&self, known: Arc<Configuration>) -> Result<Configuration, StoreError> {
        let delta = match &self.0.backend {
            Backend::Sqlite(db) => revision::since_sqlite(db, known.epoch).await?,
            Backend::Postgres(db) => revision::since_postgres(db, known.epoch).await?,
        };
        let Some(delta) = delta else {
            return self.load().await;
        };
        self.reading(move |instance, seal| {
            Ok(known.changed(document::delta(delta, instance, seal)?))
        })
        .await
    }

    async fn load(&self) -> Result<Configuration, StoreError> {
        let loaded = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::load(db).await?,
            Backend::Postgres(db) => postgres::load(db).await?,
        };
        let empty = Configuration::on(Arc::clone(&self.0.catalogue));
        self.reading(move |instance, seal| Ok(empty.with(document::parts(loaded, instance, seal)?)))
            .await
    }

    /// Parses rows away from the runtime's own threads.
    async fn reading(
        &self,
        read: impl FnOnce(&str, &Seal) -> Result<Configuration, StoreError> + Send + 'static,
    ) -> Result<Configuration, StoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || read(&store.0.instance, &store.0.seal))
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    /// Makes a change: the change, the epoch, the revisions and the audit rows in one transaction. Answers the new epoch.
    pub async fn change(
        &self,
        change: Change,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.change_all(vec![change], actor, now).await
    }

    /// Makes several changes in their order, all or none: one transaction, one epoch, an audit row for
    /// each item that is touched.
    /// Without any change nothing is written, and the answer is the epoch there is.
    pub async fn change_all(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        if changes.is_empty() {
            return Ok(self.newest_configuration().await?.epoch);
        }
        self.write_changes(changes, None, actor, now).await
    }

    /// As [`Store::change_all`], for changes that were worked out on the configuration of an epoch: when it has moved since,
    /// nothing is written and the answer is [`StoreError::Moved`].
    pub async fn change_all_at(
        &self,
        epoch: u64,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write_changes(changes, Some(epoch), actor, now).await
    }

    async fn write_changes(
        &self,
        changes: Vec<Change>,
        expected: Option<u64>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let prepared: Vec<_> = changes
            .into_iter()
            .map(|change| PreparedChange::new(change, actor, now, &self.0.seal, &self.0.dice))
            .collect();
        let wakes: Vec<_> = prepared.iter().filter_map(|change| change.wakes).collect();
        let prepared = PreparedChanges {
            list: prepared,
            seal: Arc::clone(&self.0.seal),
            at: now,
            expected,
        };
        let epoch = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::change(db, prepared).await?,
            Backend::Postgres(db) => postgres::change(db, prepared).await?,
        };
        self.0.notices.moved(epoch);
        self.bell().ring(wakes);
        Ok(epoch)
    }

    /// Removes at most `limit` silences that ended before this time; answers how many.
    pub async fn forget_silences(
        &self,
        before: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let configuration = self.configuration().await?;
        let old = configuration
            .silences()
            .filter(|silence| silence.ends() < before);
        let changes: Vec<_> = old
            .map(|silence| Change::RemoveSilence(silence.id))
            .take(limit)
            .collect();
        if changes.is_empty() {
            return Ok(0);
        }
        let count = changes.len();
        match self.change_all(changes, &Actor::System, now).await {
            Ok(_) => Ok(count),
            // Another node or a person was faster; the next call finds what is left.
            Err(StoreError::NotFound { .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The unsealed secrets of an integration, for sending alone.
    pub async fn secrets(&self, integration: IntegrationId) -> Result<Secrets, StoreError> {
        let sealed = match &self.0.backend {
            Backend::Sqlite(db) => {
                sqlite::sealed(db, Kind::Integration, integration.to_bytes()).await?
            }
            Backend::Postgres(db) => {
                postgres::sealed(db, Kind::Integration, integration.to_bytes()).await?
            }
        };
        match sealed {
            Some(sealed) => document::open_secrets(&self.0.seal, integration, sealed.as_deref()),
            None => Err(StoreError::NotFound {
                what: Kind::Integration.noun(),
                id: integration.to_string(),
            }),
        }
    }

    /// Notes that a key was used; at most once a minute for each key does that reach the database.
    pub async fn touch_key(&self, key: KeyId, now: Timestamp) -> Result<(), StoreError> {
        if !self.touches(key, now) {
            return Ok(());
        }
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::touch_key(db, key, now).await,
            Backend::Postgres(db) => postgres::touch_key(db, key, now).await,
        }
    }

    /// When each key was last used; newer than what the snapshot says, for using a key is no change.
    pub async fn key_uses(&self) -> Result<HashMap<KeyId, Timestamp>, StoreError> {
        let uses = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::key_uses(db).await?,
            Backend::Postgres(db) => postgres::key_uses(db).await?,
        };
        document::key_uses(&uses)
    }

    fn touches(&self, key: KeyId, now: Timestamp) -> bool {
        /// How long a use is not worth writing after another.
        const EACH: Duration = Duration::from_secs(60);
        /// Most keys that are remembered; beyond it all are forgotten, which costs a write each.
        const KEYS: usize = 10_000;
        let mut touched = self
            .0
            .touched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if touched
            .get(&key)
            .is_some_and(|last| now.since(*last) < EACH)
        {
            return false;
        }
        if touched.len() >= KEYS {
            touched.clear();
        }
        touched.insert(key, now);
        true
    }
}

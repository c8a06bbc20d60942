//! Who changed what.

mod postgres;
mod sqlite;

use domain::Timestamp;
use domain::access::Actor;
use serde_json::Value;

use crate::codec::{of_json, to_json};
use crate::{Backend, Page, PageAt, Store, StoreError};

pub(crate) use postgres::write as write_postgres;
pub(crate) use sqlite::write as write_sqlite;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Ascending in the order of writing.
    pub number: i64,
    pub at: Timestamp,
    pub actor: Actor,
    /// What was done: `insert`, `update`, `remove`, `end`, `check`, `switch`, `release`, `retry`; of a replay `start`,
    /// `pause`, `resume`, `cancel`, `end`.
    pub action: String,
    /// What it was done to: `company`, `source`, `integration`, `event set`, `rule`, `mapping`, `silence`, `key`, `delivery`,
    /// `replay`.
    pub what: String,
    /// Its id, as the API prints it.
    pub id: String,
    /// Its name, and whatever else tells a reader more; never a secret.
    pub detail: Value,
    /// The epoch that the change made; of one that made none, the epoch it found.
    pub epoch: u64,
}

/// A line to be written beside a change.
#[derive(Debug, Clone)]
pub(crate) struct NewAudit {
    pub(crate) at: i64,
    /// JSON of [`Actor`].
    pub(crate) actor: String,
    pub(crate) action: &'static str,
    pub(crate) what: &'static str,
    pub(crate) id: String,
    /// JSON.
    pub(crate) detail: String,
}

impl NewAudit {
    pub(crate) fn new(
        at: Timestamp,
        actor: &Actor,
        action: &'static str,
        what: &'static str,
        id: String,
        detail: &Value,
    ) -> Self {
        Self {
            at: at.micros(),
            actor: to_json(actor),
            action,
            what,
            id,
            detail: to_json(detail),
        }
    }
}

/// An audit row as both databases give it.
#[derive(Debug)]
pub(crate) struct StoredAudit {
    pub(crate) number: i64,
    pub(crate) at: i64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) what: String,
    pub(crate) id: String,
    pub(crate) detail: String,
    pub(crate) epoch: i64,
}

impl TryFrom<StoredAudit> for AuditRow {
    type Error = StoreError;

    fn try_from(row: StoredAudit) -> Result<Self, StoreError> {
        let id = row.number.to_be_bytes();
        Ok(Self {
            number: row.number,
            at: Timestamp::from_micros(row.at),
            actor: of_json("audit", &id, &row.actor)?,
            action: row.action,
            what: row.what,
            id: row.id,
            detail: of_json("audit", &id, &row.detail)?,
            epoch: row.epoch.cast_unsigned(),
        })
    }
}

impl Store {
    /// The audit log, newest first.
    pub async fn audit(&self, at: &PageAt) -> Result<Page<AuditRow>, StoreError> {
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::audit(db, at).await?,
            Backend::Postgres(db) => postgres::audit(db, at).await?,
        };
        Ok(Page::of(rows, at, |row| row.number.to_string()))
    }
}

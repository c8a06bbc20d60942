//! Who changed what.

mod postgres;
mod sqlite;

use domain::access::Actor;
use domain::{KeyId, Timestamp};
use serde_json::Value;

use crate::codec::{of_json, to_json};
use crate::{Backend, Page, PageAt, Store, StoreError};

pub(crate) use postgres::{write as write_postgres, write_all as write_all_postgres};
pub(crate) use sqlite::write as write_sqlite;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Ascending in the order of writing.
    pub number: i64,
    pub at: Timestamp,
    pub actor: Actor,
    /// What was done: `insert`, `update`, `remove`, `end`, `check`, `switch`, `release`, `rollback`; of a delivery `retry`,
    /// `cancel`; of a replay `start`, `pause`, `resume`, `cancel`, `end`.
    pub action: String,
    /// What it was done to: `company`, `source`, `integration`, `event set`, `rule`, `mapping`, `silence`, `key`, `user`,
    /// `delivery`, `replay`; `configuration` of a rollback as a whole.
    pub what: String,
    /// Its id, as the API prints it.
    pub id: String,
    /// Its `name`, its `changes` (by JSON pointer, each `old` and `new`), and whatever else tells a reader more; never a
    /// secret.
    pub detail: Value,
    /// The epoch that the change made; of one that made none, the epoch it found.
    pub epoch: u64,
}

/// Which lines are wanted; those that fit everything that is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    pub what: Option<String>,
    /// The id of what it was done to.
    pub target: Option<String>,
    pub actor: Option<AuditActor>,
    pub action: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    pub epoch: Option<u64>,
}

/// Whose lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditActor {
    /// An API key, or a user by the same bytes.
    Key(KeyId),
    /// The key or user that had this name when it acted.
    Named(String),
    Local,
    System,
}

/// How the column of an actor is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ActorText {
    Is(String),
    Holds(String),
}

impl AuditActor {
    /// The column is JSON that this crate wrote, in which a quote within a name is escaped: what stands between quotes
    /// here cannot be part of a name.
    fn text(&self) -> ActorText {
        match self {
            Self::Key(id) => ActorText::Holds(format!("\"id\":\"{id}\"")),
            Self::Named(name) => ActorText::Holds(format!("\"name\":{}", to_json(name))),
            Self::Local => ActorText::Is(to_json(&Actor::Local)),
            Self::System => ActorText::Is(to_json(&Actor::System)),
        }
    }
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
    pub async fn audit(
        &self,
        query: &AuditQuery,
        at: &PageAt,
    ) -> Result<Page<AuditRow>, StoreError> {
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::audit(db, query, at).await?,
            Backend::Postgres(db) => postgres::audit(db, query, at).await?,
        };
        Ok(Page::of(rows, at, |row| row.number.to_string()))
    }
}

//! Going back to what the configuration was at an epoch. History is never rewritten: going back is one more change, with
//! an epoch of its own, and can be gone back on. API keys are access, not configuration, and stay as they are.

mod plan;
mod postgres;
mod sqlite;

use std::sync::Arc;

use domain::Timestamp;
use domain::access::Actor;
use domain::configuration::Configuration;
use domain::diff::FieldChange;
use serde_json::{Map, json};

use super::told::Deed;
use crate::audit::NewAudit;
use crate::seal::Seal;
use crate::{Backend, Store, StoreError};

use plan::Plan;

/// Most things that may differ.
const MOST: usize = 200_000;
/// Most things that an answer lists; the rest is only counted.
const LISTED: usize = 10_000;

/// What going back does, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// The epoch that it made; when nothing was or would be done, the present one.
    pub epoch: u64,
    /// How many things are put back, made again or removed.
    pub total: usize,
    /// The first of them, in the order in which it is done.
    pub changes: Vec<Restored>,
}

/// One thing that becomes what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// `insert` (made again), `update` (put back) or `remove` (was not there then).
    pub action: &'static str,
    /// As the audit log calls it.
    pub what: &'static str,
    pub id: String,
    pub name: String,
    /// From what it is to what it becomes; of secrets only that they change.
    pub fields: Vec<FieldChange>,
    /// What else comes of it, in words.
    pub warnings: Vec<String>,
}

/// What a database is asked to do.
#[derive(Debug, Clone)]
struct Order {
    to: u64,
    at: Timestamp,
    actor: Actor,
    /// The present snapshot, for the names of what does not change.
    known: Arc<Configuration>,
    seal: Arc<Seal>,
}

impl Order {
    /// The audit lines: one for each thing, and the last for the whole.
    fn lines(&self, plan: &Plan) -> Vec<NewAudit> {
        const ACTION: &str = "rollback";
        let deed = Deed {
            at: self.at,
            actor: self.actor.clone(),
            action: ACTION,
            beside: Map::from_iter([("to".to_owned(), self.to.into())]),
        };
        let mut lines = deed.lines(&plan.touched, &self.seal);
        let detail = json!({ "to": self.to, "things": plan.touched.len() });
        let (what, id) = ("configuration", self.to.to_string());
        lines.push(NewAudit::new(
            self.at,
            &self.actor,
            ACTION,
            what,
            id,
            &detail,
        ));
        lines
    }
}

/// Whether there is an epoch to go back to, as far as the revisions of `oldest` to `newest` tell.
fn check_epoch(to: u64, oldest: Option<i64>, newest: i64) -> Result<i64, StoreError> {
    let newest = newest.cast_unsigned();
    let oldest = oldest.map_or(newest, i64::cast_unsigned);
    if (oldest..=newest).contains(&to) {
        Ok(to.cast_signed())
    } else {
        Err(StoreError::NoEpoch { to, oldest, newest })
    }
}

fn check_size(things: usize) -> Result<(), StoreError> {
    if things > MOST {
        return Err(StoreError::TooMuch { most: MOST });
    }
    Ok(())
}

impl Store {
    /// What going back to an epoch would do now; nothing is changed.
    pub async fn rollback_preview(&self, to: u64) -> Result<Rollback, StoreError> {
        let order = self
            .order(to, &Actor::System, Timestamp::from_micros(0))
            .await?;
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::preview(db, order).await,
            Backend::Postgres(db) => postgres::preview(db, order).await,
        }
    }

    /// Goes back to an epoch, all in one transaction. An integration whose URL, credentials or secrets differ from now
    /// comes back not authenticated. Where nothing differs nothing is written.
    pub async fn roll_back(
        &self,
        to: u64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Rollback, StoreError> {
        let order = self.order(to, actor, now).await?;
        let (rollback, wakes) = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::roll_back(db, order).await?,
            Backend::Postgres(db) => postgres::roll_back(db, order).await?,
        };
        self.0.notices.moved(rollback.epoch);
        self.bell().ring(wakes);
        Ok(rollback)
    }

    async fn order(&self, to: u64, actor: &Actor, at: Timestamp) -> Result<Order, StoreError> {
        Ok(Order {
            to,
            at,
            actor: actor.clone(),
            known: self.newest_configuration().await?,
            seal: Arc::clone(&self.0.seal),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kept_epoch_can_be_gone_back_to() {
        for (to, good) in [(0, false), (4, false), (5, true), (9, true), (10, false)] {
            assert_eq!(check_epoch(to, Some(5), 9).is_ok(), good, "{to}");
        }
        assert!(check_epoch(u64::MAX, Some(5), 9).is_err());
        assert!(check_size(MOST).is_ok() && check_size(MOST + 1).is_err());
    }
}

//! Deliveries in the order in which something happens to them: an event of theirs comes in, or an attempt of theirs ends.
//!
//! Both have numbers of storing, so whoever follows reads what is new by them, whatever it is asked for. What changes a
//! delivery without either (a gate, a retry by hand) is seen by whoever looks at the delivery again.

use std::collections::HashSet;

use domain::{DeliveryId, Timestamp};

use super::{postgres, sqlite};
use crate::codec::fixed;
use crate::event::read_deliveries;
use crate::{Backend, Store, StoreError};

/// Most events and most attempts of one read.
pub(super) const AT_ONCE: i64 = 500;
/// Most events and most attempts that are looked back over for a time; whoever was away for longer is not told of all.
pub(super) const LOOKED_BACK: i64 = 10_000;

/// Up to which event and which attempt somebody knows what has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpTo {
    pub(super) event: i64,
    pub(super) attempt: i64,
}

/// What has happened since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Each once, in the order in which it happened to them.
    pub deliveries: Vec<DeliveryId>,
    pub up_to: UpTo,
    /// There is more than one read takes.
    pub is_more: bool,
}

/// What both databases read: numbers with the deliveries of an event, or with that of an attempt.
#[derive(Debug, Default)]
pub(super) struct FollowedRows {
    /// Number, id and the column that names the deliveries.
    pub(super) events: Vec<(i64, Vec<u8>, Vec<u8>)>,
    pub(super) attempts: Vec<(i64, Vec<u8>)>,
}

impl Store {
    /// Up to what is stored now; with a time, up to what was stored before it, as far as that is looked back.
    pub async fn up_to(&self, since: Option<Timestamp>) -> Result<UpTo, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::up_to(db, since).await,
            Backend::Postgres(db) => postgres::up_to(db, since).await,
        }
    }

    /// To which deliveries something has happened since, of whichever company they are.
    pub async fn followed(&self, since: UpTo) -> Result<Followed, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::followed(db, since).await,
            Backend::Postgres(db) => postgres::followed(db, since).await,
        }
    }
}

impl FollowedRows {
    pub(super) fn read(self, since: UpTo) -> Result<Followed, StoreError> {
        let is_full = |count: usize| i64::try_from(count).unwrap_or(i64::MAX) >= AT_ONCE;
        let up_to = UpTo {
            event: self.events.last().map_or(since.event, |(seq, ..)| *seq),
            attempt: self.attempts.last().map_or(since.attempt, |(seq, _)| *seq),
        };
        let is_more = is_full(self.events.len()) || is_full(self.attempts.len());
        let mut deliveries = Vec::new();
        for (_, id, column) in &self.events {
            let carried = read_deliveries(id, column)?;
            deliveries.extend(carried.into_iter().map(|carried| carried.delivery));
        }
        for (_, id) in &self.attempts {
            deliveries.push(DeliveryId::from_bytes(fixed("attempt", id, id)?));
        }
        let mut known = HashSet::new();
        deliveries.retain(|id| known.insert(*id));
        Ok(Followed {
            deliveries,
            up_to,
            is_more,
        })
    }
}

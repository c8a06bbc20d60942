//! What people look at before they open a delivery: the last attempt of each, and how many fail by what.

use std::collections::HashMap;

use domain::access::Scope;
use domain::{DeliveryId, IntegrationId};

use super::{DeliveryQuery, postgres, sqlite};
use crate::codec::fixed;
use crate::{Backend, Store, StoreError};

/// Most deliveries that are counted for a breakdown.
pub(super) const COUNTED: u32 = 100_000;
/// Most shares that one tells.
pub(super) const SHARES: usize = 50;
/// Deliveries whose last attempts are looked up at once.
const TRIES: usize = 500;

/// The last attempt of a delivery, without what went over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTry {
    /// How many there have been, over retries by hand too.
    pub number: u32,
    pub duration_micros: u64,
    pub status_code: Option<u16>,
}

/// Deliveries of one integration that failed by the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub integration: IntegrationId,
    /// None: the last attempt was good, or there was none.
    pub cause: Option<String>,
    pub count: u64,
}

/// What a query fits, by integration and cause, the most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown {
    pub shares: Vec<Share>,
    /// There are more deliveries than are counted, or more shares than are told.
    pub truncated: bool,
}

/// A last attempt's row: delivery, number, duration, status code.
pub(super) type TryRow = (Vec<u8>, i32, i64, Option<i16>);
/// A share's row: integration, cause, count.
pub(super) type ShareRow = (Vec<u8>, Option<String>, i64);

impl Store {
    /// The last attempt of each of these deliveries; one that has none, or is outside the scope, is not in the answer.
    pub async fn last_tries(
        &self,
        scope: &Scope,
        ids: &[DeliveryId],
    ) -> Result<HashMap<DeliveryId, LastTry>, StoreError> {
        let mut found = HashMap::new();
        for some in ids.chunks(TRIES) {
            let rows = match &self.0.backend {
                Backend::Sqlite(db) => sqlite::last_tries(db, scope, some).await?,
                Backend::Postgres(db) => postgres::last_tries(db, scope, some).await?,
            };
            for (id, number, duration, code) in rows {
                let last = LastTry {
                    number: number.unsigned_abs(),
                    duration_micros: duration.unsigned_abs(),
                    status_code: code.map(i16::unsigned_abs),
                };
                found.insert(DeliveryId::from_bytes(fixed("attempt", &id, &id)?), last);
            }
        }
        Ok(found)
    }

    /// How many deliveries a query fits at each integration by each cause, bounded as a replay of them is.
    pub async fn breakdown(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
    ) -> Result<Breakdown, StoreError> {
        let (query, is_cut) = self.bounded(scope, query).await?;
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::breakdown(db, scope, &query).await?,
            Backend::Postgres(db) => postgres::breakdown(db, scope, &query).await?,
        };
        let mut breakdown = Breakdown::of(rows)?;
        breakdown.truncated |= is_cut;
        Ok(breakdown)
    }
}

impl Breakdown {
    fn of(rows: Vec<ShareRow>) -> Result<Self, StoreError> {
        let counted: i64 = rows.iter().map(|(_, _, count)| count).sum();
        let truncated = counted > i64::from(COUNTED) || rows.len() > SHARES;
        let share = |(integration, cause, count): ShareRow| {
            let id = fixed("delivery", &integration, &integration)?;
            Ok(Share {
                integration: IntegrationId::from_bytes(id),
                cause,
                count: count.unsigned_abs(),
            })
        };
        let shares = rows.into_iter().take(SHARES).map(share);
        Ok(Self {
            shares: shares.collect::<Result<_, StoreError>>()?,
            truncated,
        })
    }
}

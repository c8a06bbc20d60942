//! A walk back over deliveries: a page ends when it is full, or when the database has gone over as much as one page may. So a
//! page of what is rare stays short, and the list goes on by the cursor.

use domain::access::Scope;
use domain::{DeliveryId, Timestamp};

use super::{DeliveryQuery, DeliveryRow, Standing, postgres, sqlite};
use crate::retention::lowest_id;
use crate::{Backend, PageAt, Store, StoreError};

/// Most deliveries that the database goes over for one page, whether they fit its conditions or not: in leaps that grow, for
/// where many fit the first is enough.
const LEAPS: [u32; 3] = [1_000, 4_000, 20_000];
/// Up to this many pending deliveries are sorted; more are found by walking back from the newest.
pub(super) const FEW_PENDING: u32 = 5_000;

/// One page of a list of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    pub items: Vec<DeliveryRow>,
    /// The cursor of the next page; none when this is the last.
    pub next: Option<String>,
    /// How far it has looked, when it ended before it was full: the list goes on from here.
    pub scanned_until: Option<Timestamp>,
}

/// One read of a walk: where it goes on, where it ends at the latest, and how much it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stride {
    pub(super) after: Option<[u8; 16]>,
    /// It belongs to the stride; none when the walk is to the end.
    pub(super) last: Option<[u8; 16]>,
    pub(super) limit: usize,
}

impl Store {
    /// Most deliveries, the newest, that are gone over for one replay where their events or attempts have to be read.
    pub const GONE_OVER: u32 = 100_000;

    /// Deliveries, newest first.
    pub async fn deliveries(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
        at: &PageAt,
    ) -> Result<DeliveryPage, StoreError> {
        let (mut after, limit) = (at.after_id()?, usize::from(at.limit()));
        let Some(query) = self.sharpened(query).await? else {
            return Ok(DeliveryPage::default());
        };
        let mut leaps = match self.is_walked(scope, &query).await? {
            true => LEAPS.iter().copied(),
            false => [].iter().copied(),
        };
        let mut leap = leaps.next();
        let mut found = Vec::new();
        loop {
            let last = match leap {
                Some(over) => self.reach_of_deliveries(scope, &query, after, over).await?,
                None => None,
            };
            let stride = Stride {
                after,
                last,
                // One more than is shown tells whether there is a next page.
                limit: limit + 1 - found.len(),
            };
            found.extend(self.deliveries_of(scope, &query, stride).await?);
            if found.len() > limit {
                return Ok(DeliveryPage::full(found, limit));
            }
            leap = leaps.next();
            if last.is_none() || leap.is_none() {
                return Ok(DeliveryPage::up_to(found, last));
            }
            after = last;
        }
    }

    /// The query with what the database cannot guess: nothing fits a contradiction, and nothing is parked while no
    /// integration is held or switched off; where a single one is, its index is the way.
    pub(super) async fn sharpened(
        &self,
        query: &DeliveryQuery,
    ) -> Result<Option<DeliveryQuery>, StoreError> {
        let is_other = query
            .standing
            .is_some_and(|standing| standing != Standing::Dead);
        if query
            .reasons()
            .is_some_and(|reasons| reasons.len() == 0 || is_other)
        {
            return Ok(None);
        }
        let mut query = query.clone();
        if query.standing == Some(Standing::Parked) {
            let parking = match &self.0.backend {
                Backend::Sqlite(db) => sqlite::parking(db, query.integration).await?,
                Backend::Postgres(db) => postgres::parking(db, query.integration).await?,
            };
            match parking[..] {
                [] => return Ok(None),
                [only] => query.integration = Some(only),
                _ => {}
            }
        }
        Ok(Some(query))
    }

    /// The query with a beginning where all before it would be too much to go over at once, and whether it has one for that.
    pub(super) async fn bounded(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
    ) -> Result<(DeliveryQuery, bool), StoreError> {
        let mut query = query.clone();
        if !query.reads_further() || query.is_named() {
            return Ok((query, false));
        }
        let most = Self::GONE_OVER;
        let reached = self.reach_of_deliveries(scope, &query, None, most).await?;
        if let Some(id) = reached {
            query.since = Some(DeliveryId::from_bytes(id).made_at());
        }
        Ok((query, reached.is_some()))
    }

    /// Whether the rows that fit have to be looked for among others: no index names them in the order that they are shown in.
    async fn is_walked(&self, scope: &Scope, query: &DeliveryQuery) -> Result<bool, StoreError> {
        if query.is_named() {
            return Ok(false);
        }
        let is_dead = query.standing == Some(Standing::Dead) && query.integration.is_none();
        let plain = DeliveryQuery {
            standing: query.standing.filter(|_| is_dead),
            integration: query.integration,
            since: query.since,
            until: query.until,
            ..DeliveryQuery::default()
        };
        if *query == plain && matches!(scope, Scope::All) {
            return Ok(false);
        }
        if !matches!(query.standing, Some(Standing::Pending | Standing::Parked)) {
            return Ok(true);
        }
        let pending = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::pending(db, FEW_PENDING + 1).await?,
            Backend::Postgres(db) => postgres::pending(db, FEW_PENDING + 1).await?,
        };
        Ok(pending > FEW_PENDING)
    }

    /// The id that the database goes as far as; none when that is to the end. Whoever does not see all is given the lowest id
    /// of its time, for the id may be that of another company's delivery.
    async fn reach_of_deliveries(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
        after: Option<[u8; 16]>,
        over: u32,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        let reached = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::reach(db, query, after, over).await?,
            Backend::Postgres(db) => postgres::reach(db, query, after, over).await?,
        };
        Ok(reached.map(|id| match scope {
            Scope::All => id,
            Scope::Companies(_) => lowest_id(DeliveryId::from_bytes(id).made_at()),
        }))
    }

    async fn deliveries_of(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
        stride: Stride,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::deliveries(db, scope, query, stride).await,
            Backend::Postgres(db) => postgres::deliveries(db, scope, query, stride).await,
        }
    }
}

impl DeliveryPage {
    /// A page of which there is more.
    fn full(mut items: Vec<DeliveryRow>, limit: usize) -> Self {
        items.truncate(limit);
        let next = items.last().map(|row| row.id.to_string());
        Self {
            items,
            next,
            scanned_until: None,
        }
    }

    /// A page that is not full, for it has come to the end, or as far as one page goes.
    fn up_to(items: Vec<DeliveryRow>, reached: Option<[u8; 16]>) -> Self {
        let reached = reached.map(DeliveryId::from_bytes);
        Self {
            items,
            next: reached.map(|id| id.to_string()),
            scanned_until: reached.map(DeliveryId::made_at),
        }
    }
}

impl DeliveryQuery {
    /// Whether it says which deliveries it may be at most.
    fn is_named(&self) -> bool {
        self.event.is_some() || !self.ids.is_empty()
    }

    /// Whether the dead ones alone are gone over.
    pub(super) fn is_of_dead(&self) -> bool {
        self.standing == Some(Standing::Dead) || self.reasons().is_some()
    }
}

//! What has happened, counted behind the ack path, in the order of storing: events by category, attempts by what came of
//! them, and how long deliveries took. A page reads some hundred sums, however much came in (docs/adr/0023).
//!
//! An event counts as it came in; reading it again later changes no figure. An attempt counts when it ended. A delivery
//! that was given up without a last attempt (held too long, its integration removed) counts in no figure, only in what is
//! there now ([`Store::dead_now`]).

mod lags;
mod postgres;
mod sqlite;
mod tally;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::access::Scope;
use domain::{CompanyId, IntegrationId, Timestamp};

use crate::{Backend, Store, StoreError};

pub use lags::Lags;
pub(crate) use postgres::{Settled, settled};
pub(crate) use tally::{AttemptSeen, EventSeen, Key, Tally};

use tally::{EVERYONE, Measure, UNASSIGNED};

/// Rows of figures that one step forgets at most of each span.
const FORGOTTEN: i64 = 1_000;

/// What a sum is over. Each is aligned to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    Minute,
    Hour,
    QuarterDay,
    Day,
}

/// The sums of one span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot {
    pub events: u64,
    /// Events that were not recognised.
    pub unknown: u64,
    /// Events of no company.
    pub unassigned: u64,
    pub delivered: u64,
    /// Attempts that failed and are made again.
    pub failed: u64,
    /// Attempts that failed and were the last.
    pub dead: u64,
    /// From when a delivery was made until the end of the attempt that brought it.
    pub lags: Lags,
}

/// What was counted since a point in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// By the begin of each span; those in which nothing happened are left out.
    pub slots: BTreeMap<Timestamp, Slot>,
    /// Events by category; empty for those that have none.
    pub categories: BTreeMap<String, u64>,
}

/// What waits to be delivered just now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitingNow {
    /// Without those that are parked.
    pub count: u64,
    pub parked: u64,
    /// When the oldest that is not parked was made.
    pub oldest: Option<Timestamp>,
    /// There are more than were looked at, so all of these are lower bounds.
    pub is_more: bool,
}

/// Dead deliveries that lie there just now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadNow {
    /// By integration, the most first.
    pub by_integration: Vec<(IntegrationId, u64)>,
    /// There are more than were counted.
    pub is_more: bool,
}

impl Span {
    pub const ALL: [Self; 4] = [Self::Minute, Self::Hour, Self::QuarterDay, Self::Day];

    #[must_use]
    pub fn seconds(self) -> i32 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::QuarterDay => 6 * 3_600,
            Self::Day => 86_400,
        }
    }

    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds().unsigned_abs()))
    }

    /// Longer than any page asks for, for a page is drawn while time goes on.
    fn kept(self) -> Duration {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        match self {
            Self::Minute => hours(2),
            Self::Hour => hours(3 * 24),
            Self::QuarterDay => hours(15 * 24),
            Self::Day => hours(400 * 24),
        }
    }

    /// When the span began that holds this point in time.
    #[must_use]
    pub fn begin(self, at: Timestamp) -> Timestamp {
        let length = i64::from(self.seconds()) * 1_000_000;
        let micros = at.micros();
        Timestamp::from_micros(micros - micros.rem_euclid(length))
    }

    /// What begins before it is forgotten.
    fn oldest(self, now: Timestamp) -> Timestamp {
        self.begin(now.before(self.kept()))
    }
}

impl Figures {
    /// All slots together.
    #[must_use]
    pub fn total(&self) -> Slot {
        let mut total = Slot::default();
        for slot in self.slots.values() {
            total.events += slot.events;
            total.unknown += slot.unknown;
            total.unassigned += slot.unassigned;
            total.delivered += slot.delivered;
            total.failed += slot.failed;
            total.dead += slot.dead;
            total.lags.merge(&slot.lags);
        }
        total
    }

    /// Of what, since when, how much.
    fn of(rows: Vec<(String, i64, i64)>) -> Self {
        let mut figures = Self::default();
        for (what, at, count) in rows {
            let count = count.max(0).unsigned_abs();
            let Some(measure) = Measure::read(&what) else {
                continue;
            };
            if let Measure::Category(name) = measure {
                *figures.categories.entry(name).or_default() += count;
                continue;
            }
            let slot = figures.slots.entry(Timestamp::from_micros(at)).or_default();
            match measure {
                Measure::Event => slot.events += count,
                Measure::Unknown => slot.unknown += count,
                Measure::Unassigned => slot.unassigned += count,
                Measure::Delivered => slot.delivered += count,
                Measure::Failed => slot.failed += count,
                Measure::Dead => slot.dead += count,
                Measure::Lag(bucket) => slot.lags.add(bucket, count),
                // Above.
                Measure::Category(_) => {}
            }
        }
        figures
    }
}

/// The rows that make up what somebody sees.
fn companies(scope: &Scope, company: Option<CompanyId>) -> Vec<[u8; 16]> {
    match (company, scope) {
        (Some(company), scope) if scope.admits(Some(company)) => vec![company.to_bytes()],
        (Some(_), _) => Vec::new(),
        (None, Scope::All) => vec![EVERYONE],
        (None, Scope::Companies(own)) => own.iter().map(|company| company.to_bytes()).collect(),
    }
}

/// Who a row is about, where rows of all companies are read.
fn read_company(column: &[u8]) -> Result<Option<CompanyId>, StoreError> {
    let company: [u8; 16] = crate::codec::fixed("figure", column, column)?;
    Ok((company != UNASSIGNED).then(|| CompanyId::from_bytes(company)))
}

impl Store {
    /// Most pending deliveries that are looked at, and most dead ones that are counted.
    pub const LOOKED_AT: u32 = 10_000;

    /// Counts at most `limit` events and `limit` attempts that are not counted yet; answers the larger number of the two.
    /// Call it again while it answers `limit`.
    pub async fn count_figures(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::count(db, now, limit).await,
            Backend::Postgres(db) => postgres::count(db, now, limit).await,
        }
    }

    /// When the first thing happened that is not counted yet; none when all is.
    pub async fn uncounted(&self) -> Result<Option<Timestamp>, StoreError> {
        let at = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::uncounted(db).await?,
            Backend::Postgres(db) => postgres::uncounted(db).await?,
        };
        Ok(at.map(Timestamp::from_micros))
    }

    /// What was counted in spans that began at this time or later: of one company, or of all within the scope.
    pub async fn figures(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
        span: Span,
        since: Timestamp,
    ) -> Result<Figures, StoreError> {
        let companies = companies(scope, company);
        if companies.is_empty() {
            return Ok(Figures::default());
        }
        let since = since.micros();
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::figures(db, companies, span, since).await?,
            Backend::Postgres(db) => postgres::figures(db, companies, span, since).await?,
        };
        Ok(Figures::of(rows))
    }

    /// The companies with the most events in such spans, the most first; none stands for unassigned.
    pub async fn busiest(
        &self,
        scope: &Scope,
        span: Span,
        since: Timestamp,
        most: u16,
    ) -> Result<Vec<(Option<CompanyId>, u64)>, StoreError> {
        let since = since.micros();
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::busiest(db, scope, span, since, most).await?,
            Backend::Postgres(db) => postgres::busiest(db, scope, span, since, most).await?,
        };
        let rows = rows.into_iter();
        rows.map(|(company, count)| Ok((read_company(&company)?, count.max(0).unsigned_abs())))
            .collect()
    }

    /// What waits to be delivered; at most [`Self::LOOKED_AT`] pending deliveries are looked at.
    pub async fn waiting_now(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
    ) -> Result<WaitingNow, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::waiting_now(db, scope, company).await,
            Backend::Postgres(db) => postgres::waiting_now(db, scope, company).await,
        }
    }

    /// Dead deliveries, counted up to [`Self::LOOKED_AT`].
    pub async fn dead_now(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
    ) -> Result<DeadNow, StoreError> {
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::dead_now(db, scope, company).await?,
            Backend::Postgres(db) => postgres::dead_now(db, scope, company).await?,
        };
        let mut dead = DeadNow::default();
        let mut left = u64::from(Self::LOOKED_AT);
        for (integration, count) in rows {
            let id = crate::codec::fixed("delivery", &integration, &integration)?;
            let count = count.max(0).unsigned_abs();
            dead.is_more |= count > left;
            let counted = count.min(left);
            left -= counted;
            dead.by_integration
                .push((IntegrationId::from_bytes(id), counted));
        }
        Ok(dead)
    }
}

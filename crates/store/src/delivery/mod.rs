//! Deliveries: what is due, what an attempt came to, and how both are shown.

mod ahead;
mod attempt;
mod cancel;
mod codes;
mod dead;
mod following;
mod hits;
pub(crate) mod postgres;
mod row;
pub(crate) mod sqlite;
mod summary;
mod walk;

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use delivery::{DeadReason, Delivery, Fault, Gate};
use domain::access::{Actor, Scope};
use domain::event::Event;
use domain::{CompanyId, DeliveryId, EventId, IntegrationId, RuleId, Timestamp};

use crate::event::like;
use crate::{Backend, FrozenAlert, Lease, Listed, Store, StoreError};

pub use ahead::{Ahead, Look, Others};
pub use attempt::Attempt;
pub(crate) use attempt::PreparedAttempt;
pub use cancel::Cancel;
pub use codes::Codes;
pub use dead::{DeadLetterRow, DeadLetters, DeadQuery};
pub use following::{Followed, UpTo};
pub use hits::{Hit, Hits, HitsQuery};
pub(crate) use row::{PreparedSettlement, REPLAYS, lane};
pub use summary::{Breakdown, LastTry, Share};
pub use walk::DeliveryPage;

/// Events whose deliveries are looked up at once.
const STANDINGS: usize = 100;

/// What became of a delivery after an attempt, or after a decision without one.
#[derive(Debug, Clone)]
pub struct Settlement {
    pub delivery: DeliveryId,
    pub state: Delivery,
    pub attempt: Option<Attempt>,
}

/// What an owner writes at once, in the columns of the database. Clones share it, for a write that failed is made again.
#[derive(Debug, Clone)]
pub struct Settling {
    pub(crate) lease: Lease,
    pub(crate) batch: Arc<[PreparedSettlement]>,
    pub(crate) gate: Option<Gate>,
    /// Its owner has heard that a person opened the gate.
    pub(crate) heard: bool,
}

impl Settling {
    #[must_use]
    pub fn new(lease: Lease, batch: Vec<Settlement>, gate: Option<Gate>) -> Self {
        Self {
            lease,
            batch: batch.into_iter().map(PreparedSettlement::new).collect(),
            gate,
            heard: false,
        }
    }

    /// The gate takes the place of one that a person opened. Otherwise that one stays, for it was opened meanwhile.
    #[must_use]
    pub fn heard(self) -> Self {
        Self {
            heard: true,
            ..self
        }
    }

    /// The same under another lease: when a write failed, the lease may have been renewed meanwhile.
    #[must_use]
    pub fn under(self, lease: Lease) -> Self {
        Self { lease, ..self }
    }
}

/// What has piled up at an integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Pending deliveries, counted up to [`Store::MOST_BACKLOG`].
    pub count: usize,
    /// When the first of those that nobody has tried yet was due; none when there is none.
    pub oldest: Option<Timestamp>,
}

/// A pending delivery that its owner may work on now.
#[derive(Debug, Clone)]
pub struct Due {
    pub id: DeliveryId,
    pub company: CompanyId,
    pub critical: bool,
    pub state: Delivery,
    /// None: its group is still open; close it, render it, seal it.
    pub alert: Option<FrozenAlert>,
    pub first_event: EventId,
    /// The delivery that it sends again under a new id.
    pub replay_of: Option<DeliveryId>,
    pub created_at: Timestamp,
}

/// What is due at once, and when there is more to do.
#[derive(Debug, Clone, Default)]
pub struct DuePage {
    /// At most the limit: critical ones first, then a fair mix of first tries and retries.
    pub items: Vec<Due>,
    /// When the earliest of those not in `items` is due (which may be now); none when nothing waits.
    pub next_due: Option<Timestamp>,
}

/// Where a delivery stands, as a reader sees it. `Parked` is derived and never stored (decisions.md 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    Pending,
    Delivered,
    /// Pending, but its integration is switched off or not authenticated, or its gate is held.
    Parked,
    Dead,
}

/// A delivery as lists and pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub integration: IntegrationId,
    pub rule: RuleId,
    pub company: CompanyId,
    pub standing: Standing,
    /// Why it is dead, as [`delivery::DeadReason`] is written.
    pub reason: Option<String>,
    /// The class of what its last attempt failed by.
    pub cause: Option<String>,
    /// Those that retention has left.
    pub events: Vec<EventId>,
    /// The code of their kind, which is the same for all; none when retention has taken the first.
    pub kind: Option<String>,
    pub subject: String,
    pub critical: bool,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
    pub not_before: Option<Timestamp>,
    /// Attempts spent.
    pub attempts: u32,
    pub replay_of: Option<DeliveryId>,
    /// Its bytes are fixed.
    pub sealed: bool,
}

/// Which deliveries a list shows; each part narrows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Only these; none means any.
    pub ids: Vec<DeliveryId>,
    pub standing: Option<Standing>,
    pub integration: Option<IntegrationId>,
    pub company: Option<CompanyId>,
    pub event: Option<EventId>,
    pub cause: Option<String>,
    /// Only those whose last attempt failed: what is dead, and what is tried again.
    pub failing: bool,
    /// Only dead ones, given up for this.
    pub reason: Option<DeadReason>,
    /// Only dead ones, put down to this side.
    pub fault: Option<Fault>,
    /// Not those that a person cancelled.
    pub uncancelled: bool,
    /// Code of the kind of its events, in which `*` stands for any characters. What asks for this, for a category or for a
    /// text fits no delivery whose first event retention has taken.
    pub kind: Option<String>,
    pub category: Option<String>,
    /// The subject of its first event holds this; ASCII letters in either case.
    pub text: Option<String>,
    /// The last attempt was answered by one of these.
    pub codes: Option<Codes>,
    /// The last attempt took at least so long.
    pub took_least: Option<Duration>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
}

/// Another integration that alerts are sent to again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub integration: IntegrationId,
    /// Its associated companies; none means all.
    pub companies: Vec<CompanyId>,
}

/// How a delivery becomes another one with the same bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copied {
    pub(crate) fresh: DeliveryId,
    /// None: the same one.
    pub(crate) integration: Option<IntegrationId>,
    /// None: that of a new one.
    pub(crate) lane: Option<i16>,
    pub(crate) due_at: Timestamp,
    pub(crate) now: Timestamp,
}

/// What a retry by hand came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// It is due now, under the same id.
    Due(DeliveryId),
    /// It had been delivered: a new delivery under a new id sends it again.
    Replayed(DeliveryId),
    /// There is none in the caller's scope.
    NotFound,
    /// It waits in an open group and goes out by itself at the end of the window.
    Grouping,
}

impl DeliveryQuery {
    /// The reasons that it narrows to; none when it asks for no reason at all. No reason fits a contradiction.
    pub(crate) fn reasons(&self) -> Option<impl ExactSizeIterator<Item = &'static str> + use<>> {
        if self.reason.is_none() && self.fault.is_none() {
            return None;
        }
        let fits = |reason: &DeadReason| {
            self.reason.is_none_or(|asked| asked == *reason)
                && self.fault.is_none_or(|fault| reason.fault() == Some(fault))
        };
        let reasons: Vec<_> = DeadReason::ALL.into_iter().filter(fits).collect();
        Some(reasons.into_iter().map(DeadReason::as_str))
    }

    /// The text as subjects are compared with it.
    pub(crate) fn wanted_text(&self) -> Option<String> {
        self.text.as_deref().map(str::to_ascii_lowercase)
    }

    /// The pattern of a code as `LIKE` writes it; codes are in small letters.
    pub(crate) fn wanted_kind(&self) -> Option<String> {
        let kind = self.kind.as_deref()?;
        Some(like(&kind.to_ascii_lowercase()))
    }

    /// The least time that the last attempt took, in microseconds.
    pub(crate) fn wanted_micros(&self) -> Option<i64> {
        let least = self.took_least?.as_micros();
        Some(i64::try_from(least).unwrap_or(i64::MAX))
    }

    /// Whether the row of a delivery alone does not tell if it fits: its event or its last attempt has to be read.
    pub(crate) fn reads_further(&self) -> bool {
        self.kind.is_some()
            || self.category.is_some()
            || self.text.is_some()
            || self.codes.is_some()
            || self.took_least.is_some()
    }
}

impl Target {
    #[must_use]
    pub fn serves(&self, company: CompanyId) -> bool {
        self.companies.is_empty() || self.companies.contains(&company)
    }
}

impl Copied {
    /// To the same integration, due now.
    fn here(fresh: DeliveryId, now: Timestamp) -> Self {
        Self {
            fresh,
            integration: None,
            lane: None,
            due_at: now,
            now,
        }
    }
}

impl Standing {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Parked, Self::Dead];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for Standing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is no delivery status; take pending, delivered, parked or dead")
            })
    }
}

impl Store {
    /// Most deliveries of a lane that one look behind a flood passes.
    pub const LOOK_AHEAD: usize = 4_096;
    /// Most pending deliveries of an integration that are counted.
    pub const MOST_BACKLOG: usize = 1_000_000;

    pub async fn delivery(
        &self,
        scope: &Scope,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRow>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::delivery(db, scope, id).await,
            Backend::Postgres(db) => postgres::delivery(db, scope, id).await,
        }
    }

    /// The attempts of a delivery in their order; none when it is outside the scope.
    pub async fn attempts(
        &self,
        scope: &Scope,
        id: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::attempts(db, scope, id).await,
            Backend::Postgres(db) => postgres::attempts(db, scope, id).await,
        }
    }

    /// The frozen bytes of a delivery; none when it is not sealed or outside the scope.
    pub async fn alert(
        &self,
        scope: &Scope,
        id: DeliveryId,
    ) -> Result<Option<FrozenAlert>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::alert(db, scope, id).await,
            Backend::Postgres(db) => postgres::alert(db, scope, id).await,
        }
    }

    /// Where the deliveries of these events stand; an event that has none is not in the answer.
    pub async fn standings(
        &self,
        scope: &Scope,
        events: &[EventId],
    ) -> Result<HashMap<EventId, Vec<Standing>>, StoreError> {
        let mut found: HashMap<EventId, Vec<Standing>> = HashMap::new();
        for some in events.chunks(STANDINGS) {
            let rows = match &self.0.backend {
                Backend::Sqlite(db) => sqlite::standings(db, scope, some).await?,
                Backend::Postgres(db) => postgres::standings(db, scope, some).await?,
            };
            for (event, standing) in rows {
                found.entry(event).or_default().push(standing);
            }
        }
        Ok(found)
    }

    /// How many deliveries a query fits, counted up to `most`.
    pub async fn count_deliveries(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
        most: u32,
    ) -> Result<u32, StoreError> {
        let Some(query) = self.sharpened(query).await? else {
            return Ok(0);
        };
        let (query, _) = self.bounded(scope, &query).await?;
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::count_deliveries(db, scope, &query, most).await,
            Backend::Postgres(db) => postgres::count_deliveries(db, scope, &query, most).await,
        }
    }

    /// What a replay takes of these deliveries, oldest first, at most `most`: each with what is meant for it now. It is cut
    /// short too where more would have to be gone over than [`Self::GONE_OVER`]; then it is of the newest.
    pub async fn list_for_replay(
        &self,
        scope: &Scope,
        query: &DeliveryQuery,
        to: Option<&Target>,
        most: u32,
    ) -> Result<Listed, StoreError> {
        let (query, is_cut) = self.bounded(scope, query).await?;
        let mut listed = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::list_for_replay(db, scope, &query, to, most).await?,
            Backend::Postgres(db) => postgres::list_for_replay(db, scope, &query, to, most).await?,
        };
        listed.truncated |= is_cut;
        Ok(listed)
    }

    /// Dead letters by integration and cause, the most frequent first.
    pub async fn dead_letters(
        &self,
        scope: &Scope,
        query: &DeadQuery,
    ) -> Result<DeadLetters, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::dead_letters(db, scope, query).await,
            Backend::Postgres(db) => postgres::dead_letters(db, scope, query).await,
        }
    }

    /// How many alerts each rule made since a time, and when the newest was made. Looks at the newest deliveries alone,
    /// as many as bear it.
    pub async fn hits(&self, query: &HitsQuery) -> Result<Hits, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::hits(db, query).await,
            Backend::Postgres(db) => postgres::hits(db, query).await,
        }
    }

    /// Sends again by hand: an undelivered one is due now under the same id, a delivered one gets a new id.
    pub async fn retry(
        &self,
        scope: &Scope,
        id: DeliveryId,
        now: Timestamp,
        actor: &Actor,
    ) -> Result<Retried, StoreError> {
        let fresh = self.0.dice.roll(|rng| DeliveryId::new(now, rng));
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::retry(db, scope, id, fresh, now, actor).await,
            Backend::Postgres(db) => postgres::retry(db, scope, id, fresh, now, actor).await,
        }
    }

    /// What is due at one integration, without those that its owner already has in flight.
    pub async fn due(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        limit: usize,
        skip: &HashSet<DeliveryId>,
    ) -> Result<DuePage, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::due(db, integration, now, limit, skip).await,
            Backend::Postgres(db) => postgres::due(db, integration, now, limit, skip).await,
        }
    }

    /// What is due of companies that are not crowded: whoever waits behind a flood. Looks at no more than
    /// [`Self::LOOK_AHEAD`] deliveries of each lane.
    pub async fn due_of_others(&self, look: Look<'_>) -> Result<Others, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::due_of_others(db, look).await,
            Backend::Postgres(db) => postgres::due_of_others(db, look).await,
        }
    }

    /// How much has piled up at an integration, and since when.
    pub async fn backlog(&self, integration: IntegrationId) -> Result<Backlog, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::backlog(db, integration).await,
            Backend::Postgres(db) => postgres::backlog(db, integration).await,
        }
    }

    /// Pending deliveries that were made later than now and wait: the clock has been set back since. At most `limit`.
    pub async fn made_later(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::made_later(db, integration, now, limit).await,
            Backend::Postgres(db) => postgres::made_later(db, integration, now, limit).await,
        }
    }

    /// Closes groups, so that no event joins them any more, and tells their events. A stale lease closes nothing.
    pub async fn close_groups(
        &self,
        lease: &Lease,
        ids: &[DeliveryId],
    ) -> Result<Vec<(DeliveryId, Vec<Event>)>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::close_groups(db, lease, ids).await,
            Backend::Postgres(db) => postgres::close_groups(db, lease, ids).await,
        }
    }

    /// Fixes the bytes of closed groups, and answers of which: one that was cancelled meanwhile is not among them. None when
    /// the lease was stale: nothing changed.
    pub async fn seal(
        &self,
        lease: &Lease,
        sealed: Vec<(DeliveryId, FrozenAlert)>,
    ) -> Result<Option<HashSet<DeliveryId>>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::seal(db, lease, sealed).await,
            Backend::Postgres(db) => postgres::seal(db, lease, sealed).await,
        }
    }

    /// Writes what became of the batches of several owners in one transaction, and their gates. Answers for each whether
    /// it was written: under a stale lease nothing of it is.
    pub async fn settle_all(&self, batches: Vec<Settling>) -> Result<Vec<bool>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::settle_all(db, batches).await,
            Backend::Postgres(db) => postgres::settle_all(db, &batches).await,
        }
    }

    /// Which of these have not ended: of what an owner has in memory, a person may have cancelled some.
    pub async fn still_pending(
        &self,
        ids: &[DeliveryId],
    ) -> Result<HashSet<DeliveryId>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::still_pending(db, ids).await,
            Backend::Postgres(db) => postgres::still_pending(db, ids).await,
        }
    }

    /// Pending deliveries of an integration that wait for a later attempt, the earliest due first.
    pub async fn waiting(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(DeliveryId, Timestamp)>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::waiting(db, integration, now, limit).await,
            Backend::Postgres(db) => postgres::waiting(db, integration, now, limit).await,
        }
    }

    /// Moves waiting retries forward to the given times; never past `not_before`, never later than they were due.
    /// False when the lease was stale.
    pub async fn pull_forward(
        &self,
        lease: &Lease,
        due: Vec<(DeliveryId, Timestamp)>,
    ) -> Result<bool, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::pull_forward(db, lease, due).await,
            Backend::Postgres(db) => postgres::pull_forward(db, lease, due).await,
        }
    }

    /// Brings due times that lie beyond the longest wait back to it (decisions.md 15). Answers how many.
    pub async fn clamp_due(
        &self,
        lease: &Lease,
        now: Timestamp,
        longest: std::time::Duration,
    ) -> Result<usize, StoreError> {
        let latest = now.after(longest);
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::clamp_due(db, lease, latest).await,
            Backend::Postgres(db) => postgres::clamp_due(db, lease, latest).await,
        }
    }

    /// Ends at most `limit` parked deliveries as `held too long` that were due before then. Answers how many.
    pub async fn give_up_parked(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::give_up_parked(db, before, limit).await,
            Backend::Postgres(db) => postgres::give_up_parked(db, before, limit).await,
        }
    }

    /// The gate of one integration; an unknown one admits.
    pub async fn gate(&self, integration: IntegrationId) -> Result<Gate, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::gate(db, integration).await,
            Backend::Postgres(db) => postgres::gate(db, integration).await,
        }
    }

    /// The gates of all integrations.
    pub async fn gates(&self) -> Result<HashMap<IntegrationId, Gate>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::gates(db).await,
            Backend::Postgres(db) => postgres::gates(db).await,
        }
    }
}

//! Events as they were read, matched and counted.

mod postgres;
mod row;
mod sqlite;
mod walk;

use std::collections::BTreeMap;
use std::time::Duration;

use delivery::replay::Meant;
use domain::access::Scope;
use domain::event::{Event, Fingerprint, Match, Reason, Routing};
use domain::filter::Filter;
use domain::message::Decode;
use domain::{
    CompanyId, DeliveryId, EventId, IntegrationId, MessageId, RuleId, Severity, SilenceId,
    SourceId, Timestamp,
};

use crate::retention::lowest_id;
use crate::{Backend, Item, Listed, Store, StoreError};

pub(crate) use postgres::events_of as postgres_events_of;
pub(crate) use row::{COLUMNS, EventRow, read_deliveries};
pub(crate) use sqlite::events_of as sqlite_events_of;
pub use walk::{EventPage, LISTED};

/// Which events a list shows; each part narrows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventQuery {
    pub kind: Option<String>,
    pub category: Option<String>,
    pub company: Option<CompanyId>,
    pub source: Option<SourceId>,
    pub severity_least: Option<Severity>,
    /// `routed`, `unrouted` (for any reason), `unmatched` (no mapping or rule took it) or the word of one reason.
    pub routing: Option<String>,
    pub matched: Option<Match>,
    pub decode: Option<Decode>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// Words that subject and body must hold, in any order.
    pub text: Option<String>,
    pub message: Option<MessageId>,
    pub fingerprint: Option<Fingerprint>,
    /// Muted by this silence.
    pub silence: Option<SilenceId>,
    /// Seen more than once.
    pub repeated: bool,
    /// What else must hold, tested on each row as far as the database cannot say it.
    pub filter: Option<Filter>,
    pub oldest_first: bool,
}

/// A delivery that carries an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventDelivery {
    pub delivery: DeliveryId,
    pub integration: IntegrationId,
    pub rule: RuleId,
}

/// The reasons of what no mapping or rule took, for a condition that names them.
fn unmatched() -> impl Iterator<Item = &'static str> {
    let reasons = Reason::ALL.into_iter();
    reasons
        .filter(|reason| reason.is_unmatched())
        .map(Reason::as_str)
}

/// Events whose rows are read at once to see that they are there.
const NAMED_AT_ONCE: usize = 50;

/// Most events of one silence that are counted.
const COUNTED: u32 = 100_000;
/// The same where many silences are counted for one page.
const COUNTED_OF_MANY: u32 = 10_000;

/// How many events a silence has muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silenced {
    pub count: u32,
    /// There are more than were counted.
    pub more: bool,
}

/// Why events of late went nowhere, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unrouted {
    pub reasons: BTreeMap<Reason, u64>,
    /// There are more than were counted; the newest were.
    pub truncated: bool,
}

impl Unrouted {
    /// Of words of routing with their counts, one event more than is counted.
    fn of(rows: Vec<(String, i64)>) -> Result<Self, StoreError> {
        let counted: i64 = rows.iter().map(|(_, count)| count).sum();
        let mut reasons = BTreeMap::new();
        for (word, count) in rows {
            let Some(Routing::Unrouted(reason)) = Routing::of_word(&word) else {
                let what = format_args!("routing `{word}`");
                return Err(StoreError::corrupt("event", "(counted)", what));
            };
            reasons.insert(reason, count.unsigned_abs());
        }
        Ok(Self {
            reasons,
            truncated: counted > i64::from(Store::MOST_UNROUTED),
        })
    }
}

/// The lowest id that an event cannot have which came in before this time.
fn above(until: Timestamp) -> [u8; 16] {
    lowest_id(until.after(Duration::from_millis(1)))
}

/// A pattern of a filter as `LIKE` writes it, with `\` before what means something there.
pub(crate) fn like(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for char in pattern.chars() {
        match char {
            '*' => text.push('%'),
            '%' | '_' | '\\' => text.extend(['\\', char]),
            other => text.push(other),
        }
    }
    text
}

impl Store {
    /// Most events that went nowhere that are counted: the newest.
    pub const MOST_UNROUTED: u32 = 20_000;

    /// One event, unless it belongs to a company outside the scope.
    pub async fn event(&self, scope: &Scope, id: EventId) -> Result<Option<Event>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::event(db, scope, id).await,
            Backend::Postgres(db) => postgres::event(db, scope, id).await,
        }
    }

    /// The deliveries that carry an event, oldest first; none when the event is outside the scope.
    pub async fn deliveries_of_event(
        &self,
        scope: &Scope,
        id: EventId,
    ) -> Result<Vec<EventDelivery>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::deliveries_of_event(db, scope, id).await,
            Backend::Postgres(db) => postgres::deliveries_of_event(db, scope, id).await,
        }
    }

    /// How many events within the scope a silence has muted.
    pub async fn silenced(&self, scope: &Scope, id: SilenceId) -> Result<Silenced, StoreError> {
        self.count_silenced(scope, id, None, COUNTED).await
    }

    /// The same of those that came in at this time or later, counted less far: a list asks it for each of its rows.
    pub async fn silenced_since(
        &self,
        scope: &Scope,
        id: SilenceId,
        since: Timestamp,
    ) -> Result<Silenced, StoreError> {
        self.count_silenced(scope, id, Some(since), COUNTED_OF_MANY)
            .await
    }

    async fn count_silenced(
        &self,
        scope: &Scope,
        id: SilenceId,
        since: Option<Timestamp>,
        counted: u32,
    ) -> Result<Silenced, StoreError> {
        let most = counted + 1;
        let count = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::silenced(db, scope, id, since, most).await?,
            Backend::Postgres(db) => postgres::silenced(db, scope, id, since, most).await?,
        };
        let count = u32::try_from(count).unwrap_or(0);
        Ok(Silenced {
            count: count.min(counted),
            more: count > counted,
        })
    }

    /// Why events that came in since a time went nowhere, and how many.
    pub async fn unrouted(&self, scope: &Scope, since: Timestamp) -> Result<Unrouted, StoreError> {
        let most = Self::MOST_UNROUTED + 1;
        Unrouted::of(match &self.0.backend {
            Backend::Sqlite(db) => sqlite::unrouted(db, scope, since, most).await?,
            Backend::Postgres(db) => postgres::unrouted(db, scope, since, most).await?,
        })
    }

    /// What a replay takes of these events, oldest first, at most `most`. Those that were routed are never among them.
    /// It is cut short too where a text or a filter leaves too many to be tested.
    pub async fn list_unrouted(
        &self,
        scope: &Scope,
        query: &EventQuery,
        most: u32,
    ) -> Result<Listed, StoreError> {
        if query.text.is_some() || query.filter.is_some() {
            return self.list_tested(scope, query, Meant::Route, most).await;
        }
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::list(db, scope, query, Meant::Route, most).await,
            Backend::Postgres(db) => postgres::list(db, scope, query, Meant::Route, most).await,
        }
    }

    /// What a re-reading takes of these events, oldest first, at most `most`, cut short as that of a replay is.
    pub async fn list_events(
        &self,
        scope: &Scope,
        query: &EventQuery,
        most: u32,
    ) -> Result<Listed, StoreError> {
        if query.text.is_some() || query.filter.is_some() {
            return self.list_tested(scope, query, Meant::Read, most).await;
        }
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::list(db, scope, query, Meant::Read, most).await,
            Backend::Postgres(db) => postgres::list(db, scope, query, Meant::Read, most).await,
        }
    }

    /// The same for these events; none unless the scope admits all of them.
    pub async fn list_named_events(
        &self,
        scope: &Scope,
        ids: &[EventId],
    ) -> Result<Option<Listed>, StoreError> {
        for some in ids.chunks(NAMED_AT_ONCE) {
            if self.events_of(scope, some).await?.len() < some.len() {
                return Ok(None);
            }
        }
        let item = |id: &EventId| Item::of_event(id.to_bytes(), Meant::Read);
        Ok(Some(Listed {
            items: ids.iter().map(item).collect(),
            ..Listed::default()
        }))
    }

    /// The events of these ids that retention has left and the scope admits, in the order of the ids.
    pub async fn events_of(
        &self,
        scope: &Scope,
        ids: &[EventId],
    ) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<[u8; 16]> = ids.iter().map(|id| id.to_bytes()).collect();
        let mut events = match &self.0.backend {
            Backend::Sqlite(db) => db.read(move |conn| sqlite::events_of(conn, &ids)).await?,
            Backend::Postgres(db) => postgres::events_of(&db.client().await?, &ids).await?,
        };
        events.retain(|event| scope.admits(event.company));
        Ok(events)
    }

    /// Events that were stored after the given one, in the order of storing; without one, the newest ones.
    /// This is how a live stream goes on: an event whose id is older but which was stored later is not missed.
    pub async fn events_after(
        &self,
        scope: &Scope,
        after: Option<EventId>,
        limit: u16,
    ) -> Result<Vec<Event>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::events_after(db, scope, after, limit).await,
            Backend::Postgres(db) => postgres::events_after(db, scope, after, limit).await,
        }
    }
}

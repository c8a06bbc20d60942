//! A walk over stored events: what a database can say narrows it, what is left of a filter is tested on the rows, and a page
//! ends when it is full or has looked at as much as one page may. So a search for what is rare stays short each time it is
//! asked, and goes on by the cursor.

use std::sync::Arc;

use delivery::replay::Meant;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::event::{Event, Match, Routing};
use domain::filter::{Filter, Narrowing, has_words, words};
use domain::matching::Facts;
use domain::message::Decode;
use domain::{EventId, Timestamp};

use super::{EventQuery, EventRow, postgres, sqlite};
use crate::codec::fixed;
use crate::job::{Item, Listed, Listing};
use crate::{Backend, PageAt, Store, StoreError};

/// Rows of one read that are tested: few enough that their bodies fit in memory several times.
const STRIDE: usize = 250;
/// The same where each read sorts all that an index names.
const NAMED_STRIDE: usize = 500;
/// Most rows that are tested for one page, and most bytes of subjects and bodies; the row that passes them is the last.
const TESTED: usize = 10_000;
const TESTED_BYTES: usize = 4 * 1024 * 1024;
/// Most events that the database goes over for one page, whether they fit its conditions or not: in leaps that grow, for
/// where many fit the first is enough.
const LEAPS: [u32; 4] = [1_000, 4_000, 15_000, 40_000];
/// Words that more events hold are no help of the index: sorting what it names would take longer than the walk.
const RARE: u32 = 10_000;
/// Most events that are tested by a text or a filter for one replay or re-reading, and most bytes of them.
pub const LISTED: usize = 200_000;
const LISTED_BYTES: usize = 80 * 1024 * 1024;

/// One page of a search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage {
    pub items: Vec<Event>,
    /// The cursor of the next page; none when this is the last.
    pub next: Option<String>,
    /// How far it has looked, when it ended before it was full: the search goes on from here.
    pub scanned_until: Option<Timestamp>,
}

/// A query together with what its filter says to a database.
#[derive(Debug)]
pub(super) struct Search {
    /// The filter's times, its one company and its fingerprint are in it; its text and its filter are not.
    pub(super) query: EventQuery,
    /// Its words are there only when the index is to be asked for them.
    pub(super) narrowing: Narrowing,
    test: Option<Arc<Test>>,
}

/// What the rows are tested by.
#[derive(Debug)]
struct Test {
    words: Vec<String>,
    filter: Option<Filter>,
    configuration: Arc<Configuration>,
}

/// One read of a walk: where it goes on, where it ends at the latest, and how much it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stride {
    pub(super) after: Option<[u8; 16]>,
    pub(super) last: Option<[u8; 16]>,
    pub(super) limit: usize,
}

/// How much more may be tested.
#[derive(Debug)]
struct Left {
    rows: usize,
    bytes: usize,
}

impl Store {
    /// Events, newest first unless the query says otherwise.
    pub async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
        at: &PageAt,
    ) -> Result<EventPage, StoreError> {
        let (mut after, limit) = (at.after_id()?, usize::from(at.limit()));
        let Some(search) = self.search(query).await? else {
            return Ok(EventPage::default());
        };
        let mut leaps = match search.has_an_index() {
            true => [].iter(),
            false => LEAPS.iter(),
        };
        let mut last = self.leap(scope, &search, after, leaps.next()).await?;
        let mut left = Left {
            rows: TESTED,
            bytes: TESTED_BYTES,
        };
        let mut found = Vec::new();
        loop {
            let stride = Stride {
                after,
                last,
                limit: search.stride(limit),
            };
            let mut rows = self.stride(scope, &search, stride).await?;
            let mut ended = rows.len() < stride.limit;
            if search.test.is_some() {
                ended &= left.take(&mut rows);
            }
            after = last_of(&rows)?.or(after);
            found.extend(search.test(rows).await?);
            if found.len() > limit {
                return Ok(EventPage::full(found, limit));
            }
            match (ended, last) {
                (true, None) => return Ok(EventPage::up_to(found, None)),
                (true, reached) => {
                    after = reached;
                    let Some(leap) = leaps.next() else {
                        return Ok(EventPage::up_to(found, reached));
                    };
                    last = self.leap(scope, &search, after, Some(leap)).await?;
                }
                (false, _) => {}
            }
            if left.is_used_up() {
                return Ok(EventPage::up_to(found, after));
            }
        }
    }

    /// What a replay of unrouted events or a re-reading takes of the events that pass the tests of a query, oldest first.
    pub(super) async fn list_tested(
        &self,
        scope: &Scope,
        query: &EventQuery,
        meant: Meant,
        most: u32,
    ) -> Result<Listed, StoreError> {
        let mut listing = Listing::new(most);
        let mut asked = EventQuery {
            oldest_first: true,
            ..query.clone()
        };
        if meant == Meant::Route {
            if query.routing.as_deref() == Some("routed") {
                return Ok(listing.finish());
            }
            asked.routing = asked.routing.or(Some("unrouted".to_owned()));
        }
        let Some(search) = self.search(&asked).await? else {
            return Ok(listing.finish());
        };
        let mut left = Left {
            rows: LISTED,
            bytes: LISTED_BYTES,
        };
        let mut after = None;
        loop {
            let stride = Stride {
                after,
                last: None,
                limit: NAMED_STRIDE,
            };
            let mut rows = self.stride(scope, &search, stride).await?;
            let ended = (rows.len() < stride.limit) & left.take(&mut rows);
            after = last_of(&rows)?.or(after);
            for event in search.test(rows).await? {
                listing.add(Some(Item::of_event(event.id.to_bytes(), meant)));
            }
            if left.is_used_up() && !ended {
                listing.cut();
            }
            if ended || listing.is_full() {
                return Ok(listing.finish());
            }
        }
    }

    /// None when nothing can fit: a text without a word, a company that is not there.
    async fn search(&self, query: &EventQuery) -> Result<Option<Search>, StoreError> {
        let text = query.text.as_deref().map(words);
        if text.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let text = text.unwrap_or_default();
        if query.filter.is_none() && text.is_empty() {
            return Ok(Some(Search {
                query: query.clone(),
                narrowing: Narrowing::default(),
                test: None,
            }));
        }
        let configuration = self.configuration().await?;
        let filter = query.filter.clone();
        let mut narrowing = filter
            .as_ref()
            .map(|filter| filter.narrowing(&configuration))
            .unwrap_or_default();
        if narrowing.is_void() {
            return Ok(None);
        }
        narrowing.words.extend(text.iter().cloned());
        if !narrowing.words.is_empty() && !self.are_rare(&narrowing.words).await? {
            narrowing.words.clear();
        }
        let test = Test {
            words: text,
            filter,
            configuration,
        };
        Ok(Some(Search::new(query.clone(), narrowing, test)))
    }

    async fn are_rare(&self, words: &[String]) -> Result<bool, StoreError> {
        let most = RARE + 1;
        let count = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::holding(db, words, most).await?,
            Backend::Postgres(db) => postgres::holding(db, words, most).await?,
        };
        Ok(count < i64::from(most))
    }

    /// The id that the database goes as far as; none when that is to the end.
    async fn leap(
        &self,
        scope: &Scope,
        search: &Search,
        after: Option<[u8; 16]>,
        over: Option<&u32>,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        let Some(over) = over.copied() else {
            return Ok(None);
        };
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::reach(db, scope, search, after, over).await,
            Backend::Postgres(db) => postgres::reach(db, scope, search, after, over).await,
        }
    }

    async fn stride(
        &self,
        scope: &Scope,
        search: &Search,
        stride: Stride,
    ) -> Result<Vec<EventRow>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::stride(db, scope, search, stride).await,
            Backend::Postgres(db) => postgres::stride(db, scope, search, stride).await,
        }
    }
}

impl EventPage {
    /// A page of which there is more.
    fn full(mut items: Vec<Event>, limit: usize) -> Self {
        items.truncate(limit);
        let next = items.last().map(|event| event.id.to_string());
        Self {
            items,
            next,
            scanned_until: None,
        }
    }

    /// A page that is not full, for it has come to the end, or as far as one page goes.
    fn up_to(items: Vec<Event>, reached: Option<[u8; 16]>) -> Self {
        Self {
            items,
            next: reached.map(|id| EventId::from_bytes(id).to_string()),
            scanned_until: reached.map(|id| EventId::from_bytes(id).made_at()),
        }
    }
}

impl Search {
    fn new(mut query: EventQuery, mut narrowing: Narrowing, test: Test) -> Self {
        (query.text, query.filter) = (None, None);
        query.since = query.since.max(narrowing.received.from);
        query.until = match (query.until, narrowing.received.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        query.fingerprint = query.fingerprint.or(narrowing.fingerprint);
        let is_unrouted = |routings: &Vec<Routing>| !routings.contains(&Routing::Routed);
        if query.routing.is_none() && narrowing.routings.as_ref().is_some_and(is_unrouted) {
            query.routing = Some("unrouted".to_owned());
        }
        if query.company.is_none()
            && let [only] = &narrowing.companies[..]
            && let ([company], false, false) = (&only.ids[..], only.nothing, only.others)
        {
            query.company = Some(*company);
            narrowing.companies.clear();
        }
        Self {
            query,
            narrowing,
            test: Some(Arc::new(test)),
        }
    }

    /// Whether an index names the few rows there are, so that nothing has to be gone over for them.
    fn has_an_index(&self) -> bool {
        let query = &self.query;
        let is_named = query.message.is_some()
            || query.fingerprint.is_some()
            || query.silence.is_some()
            || !self.narrowing.words.is_empty();
        // Rows of a company, of a time, unrouted ones and those not understood stand in an index in the order that they are
        // shown in.
        let plain = EventQuery {
            company: query.company,
            since: query.since,
            until: query.until,
            routing: query.routing.clone().filter(|word| word == "unrouted"),
            matched: query.matched.filter(|matched| *matched == Match::None),
            decode: query.decode.filter(|decode| *decode == Decode::Failed),
            oldest_first: query.oldest_first,
            ..EventQuery::default()
        };
        is_named || (self.test.is_none() && *query == plain)
    }

    /// Whether only unrouted events are asked for, and nothing names them.
    pub(super) fn is_unrouted(&self) -> bool {
        let query = &self.query;
        query
            .routing
            .as_deref()
            .is_some_and(|word| word != "routed")
            && query.message.is_none()
            && query.fingerprint.is_none()
            && query.silence.is_none()
            && self.narrowing.words.is_empty()
    }

    /// Whether the index of words is asked, which names the rows.
    pub(super) fn is_by_words(&self) -> bool {
        !self.narrowing.words.is_empty()
    }

    fn stride(&self, limit: usize) -> usize {
        match &self.test {
            // One more than is shown tells whether there is a next page.
            None => limit + 1,
            Some(_) if self.has_an_index() => NAMED_STRIDE,
            Some(_) => STRIDE,
        }
    }

    /// The events among the rows that pass. Testing many is work for a thread that may be busy.
    async fn test(&self, rows: Vec<EventRow>) -> Result<Vec<Event>, StoreError> {
        let Some(test) = self.test.clone() else {
            return rows.into_iter().map(Event::try_from).collect();
        };
        // Goes when the question is dropped, so that nobody works on for an answer that nobody waits for.
        let asked = Arc::new(());
        let heard = Arc::downgrade(&asked);
        let testing = move || {
            let mut passed = Vec::new();
            for row in rows {
                if heard.strong_count() == 0 {
                    return Err(StoreError::Unavailable(
                        "the search was given up".to_owned(),
                    ));
                }
                let event = Event::try_from(row)?;
                if test.passes(&event) {
                    passed.push(event);
                }
            }
            Ok(passed)
        };
        let tested = tokio::task::spawn_blocking(testing).await;
        drop(asked);
        tested.map_err(|error| StoreError::Unavailable(format!("a search broke off: {error}")))?
    }
}

impl Test {
    fn passes(&self, event: &Event) -> bool {
        has_words(&self.words, &[&event.subject, &event.body])
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.matches(&Facts::of(event), &self.configuration))
    }
}

impl Left {
    /// Leaves the rows that may still be tested; answers whether these were all.
    fn take(&mut self, rows: &mut Vec<EventRow>) -> bool {
        let before = rows.len();
        rows.truncate(self.rows);
        let mut taken = 0;
        for row in rows.iter() {
            if self.bytes == 0 {
                break;
            }
            self.bytes = self
                .bytes
                .saturating_sub(row.subject.len() + row.body.len());
            taken += 1;
        }
        rows.truncate(taken);
        self.rows -= taken;
        taken == before
    }

    fn is_used_up(&self) -> bool {
        self.rows == 0 || self.bytes == 0
    }
}

fn last_of(rows: &[EventRow]) -> Result<Option<[u8; 16]>, StoreError> {
    let last = rows.last();
    last.map(|row| fixed("event", &row.id, &row.id)).transpose()
}

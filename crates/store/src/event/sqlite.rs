//! Events on SQLite.

mod narrow;

use delivery::replay::Meant;
use domain::access::Scope;
use domain::event::{Event, Match};
use domain::message::Decode;
use domain::{EventId, MessageId, SilenceId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::walk::{Search, Stride};
use super::{COLUMNS, EventDelivery, EventQuery, EventRow, read_deliveries};
use crate::StoreError;
use crate::codec::{fixed, split_ids};
use crate::job::{Item, Listed, Listing};
use crate::retention::lowest_id;
use crate::sqlite::{Clauses, Sqlite, all, blob, one};
use narrow::{between, narrow, narrow_by, outline, phrase};

/// The number of storing of an event; of one that is gone, of the one stored last before it.
const STORED_AT: &str = "SELECT seq FROM event WHERE id <= ?1 ORDER BY id DESC LIMIT 1";

pub(super) async fn event(
    db: &Sqlite,
    scope: &Scope,
    id: EventId,
) -> Result<Option<Event>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("id = ?", blob(Some(id.to_bytes())));
    clauses.scope("company", scope);
    let rows = db
        .read(move |conn| select(conn, clauses, "LIMIT 1"))
        .await?;
    rows.into_iter().next().map(Event::try_from).transpose()
}

pub(super) async fn deliveries_of_event(
    db: &Sqlite,
    scope: &Scope,
    id: EventId,
) -> Result<Vec<EventDelivery>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("id = ?", blob(Some(id.to_bytes())));
    clauses.scope("company", scope);
    let column: Option<Vec<u8>> = db
        .read(move |conn| {
            let sql = format!("SELECT deliveries FROM event{}", clauses.sql());
            one(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                row.get(0)
            })
        })
        .await?;
    column.map_or(Ok(Vec::new()), |column| {
        read_deliveries(&id.to_bytes(), &column)
    })
}

/// The next rows of a walk that fit what SQLite can say of a search.
pub(super) async fn stride(
    db: &Sqlite,
    scope: &Scope,
    search: &Search,
    stride: Stride,
) -> Result<Vec<EventRow>, StoreError> {
    let mut clauses = Clauses::default();
    between(&mut clauses, search, stride);
    clauses.scope("company", scope);
    narrow(&mut clauses, &search.query);
    narrow_by(&mut clauses, &search.narrowing);
    let (message, order) = (search.query.message, order(search));
    let from = table(&search.query, search.is_by_words(), search.is_unrouted());
    db.read(move |conn| {
        of_message(conn, &mut clauses, message)?;
        let sql = format!(
            "SELECT {COLUMNS} FROM {from}{} ORDER BY id{order} LIMIT {}",
            clauses.sql(),
            stride.limit
        );
        all(conn, &sql, params_from_iter(clauses.into_values()), read)
    })
    .await
}

/// The id of the last event that a walk over so many comes by; none when there are fewer.
pub(super) async fn reach(
    db: &Sqlite,
    scope: &Scope,
    search: &Search,
    after: Option<[u8; 16]>,
    most: u32,
) -> Result<Option<[u8; 16]>, StoreError> {
    let mut clauses = Clauses::default();
    let stride = Stride {
        after,
        last: None,
        limit: 1,
    };
    between(&mut clauses, search, stride);
    clauses.scope("company", scope);
    outline(&mut clauses, &search.query);
    let sql = format!(
        "SELECT id FROM event{} ORDER BY id{} LIMIT 1 OFFSET {}",
        clauses.sql(),
        order(search),
        most.saturating_sub(1)
    );
    let id: Option<Vec<u8>> = db
        .read(move |conn| {
            one(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                row.get(0)
            })
        })
        .await?;
    id.map(|id| fixed("event", &id, &id)).transpose()
}

/// How many events the index knows to hold all of the words, up to `most`.
pub(super) async fn holding(db: &Sqlite, words: &[String], most: u32) -> Result<i64, StoreError> {
    const HOLDING: &str =
        "SELECT count(*) FROM (SELECT 1 FROM event_text WHERE event_text MATCH ?1 LIMIT ?2)";
    let phrase = phrase(words);
    let count = db
        .read(move |conn| one(conn, HOLDING, (phrase, most), |row| row.get(0)))
        .await?;
    Ok(count.unwrap_or(0))
}

fn order(search: &Search) -> &'static str {
    match search.query.oldest_first {
        true => "",
        false => " DESC",
    }
}

/// Where the rows come from: SQLite cannot know that few of many events went nowhere or were not understood, so it is told.
/// What names its events has a shorter way.
fn table(query: &EventQuery, by_words: bool, unrouted: bool) -> &'static str {
    let is_named = by_words || query.message.is_some() || query.fingerprint.is_some();
    match (query.decode, query.matched) {
        _ if is_named => "event",
        (Some(Decode::Failed), _) => "event INDEXED BY event_undecoded",
        (_, Some(Match::None)) => "event INDEXED BY event_unmatched",
        _ if unrouted => "event INDEXED BY event_unrouted",
        _ => "event",
    }
}

pub(super) async fn list(
    db: &Sqlite,
    scope: &Scope,
    query: &EventQuery,
    meant: Meant,
    most: u32,
) -> Result<Listed, StoreError> {
    let mut clauses = Clauses::default();
    if meant == Meant::Route {
        clauses.and("routing <> 'routed'", []);
    }
    clauses.scope("company", scope);
    narrow(&mut clauses, query);
    let message = query.message;
    let from = table(query, false, meant == Meant::Route);
    db.read(move |conn| {
        of_message(conn, &mut clauses, message)?;
        let sql = format!(
            "SELECT id FROM {from}{} ORDER BY id LIMIT {}",
            clauses.sql(),
            u64::from(most) + 1
        );
        let mut listing = Listing::new(most);
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(clauses.into_values()))?;
        while let Some(row) = rows.next()? {
            listing.add(Some(Item::of_event(row.get(0)?, meant)));
        }
        Ok(listing.finish())
    })
    .await
}

/// Only the events that came with a message, where the query names one.
fn of_message(
    conn: &Connection,
    clauses: &mut Clauses,
    message: Option<MessageId>,
) -> Result<(), StoreError> {
    const EVENTS: &str = "SELECT events FROM message WHERE id = ?1";
    if let Some(message) = message {
        let column: Option<Vec<u8>> = one(conn, EVENTS, [message.to_bytes()], |row| row.get(0))?;
        clauses.within(
            "id",
            split_ids("message", &message.to_bytes(), &column.unwrap_or_default())?,
        );
    }
    Ok(())
}

/// How many events a silence has muted, up to `most`.
pub(super) async fn silenced(
    db: &Sqlite,
    scope: &Scope,
    id: SilenceId,
    since: Option<Timestamp>,
    most: u32,
) -> Result<i64, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("silence = ?", blob(Some(id.to_bytes())));
    clauses.and_some("id >= ?", blob(since.map(lowest_id)));
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM event{} LIMIT {most})",
        clauses.sql()
    );
    let count = db
        .read(move |conn| {
            one(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                row.get(0)
            })
        })
        .await?;
    Ok(count.unwrap_or(0))
}

pub(super) async fn unrouted(
    db: &Sqlite,
    scope: &Scope,
    since: Timestamp,
    most: u32,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("routing <> 'routed'", []);
    clauses.and("id >= ?", blob(Some(lowest_id(since))));
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT routing, count(*) FROM \
         (SELECT routing FROM event INDEXED BY event_unrouted{} ORDER BY id DESC LIMIT {most}) GROUP BY routing",
        clauses.sql()
    );
    db.read(move |conn| {
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    })
    .await
}

pub(super) async fn events_after(
    db: &Sqlite,
    scope: &Scope,
    after: Option<EventId>,
    limit: u16,
) -> Result<Vec<Event>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.scope("company", scope);
    let rows = db
        .read(move |conn| {
            let Some(after) = after else {
                let mut newest =
                    select(conn, clauses, &format!("ORDER BY seq DESC LIMIT {limit}"))?;
                newest.reverse();
                return Ok(newest);
            };
            let seq: Option<i64> = one(conn, STORED_AT, [after.to_bytes()], |row| row.get(0))?;
            clauses.and("seq > ?", [Value::Integer(seq.unwrap_or(0))]);
            select(conn, clauses, &format!("ORDER BY seq LIMIT {limit}"))
        })
        .await?;
    rows.into_iter().map(Event::try_from).collect()
}

fn select(conn: &Connection, clauses: Clauses, tail: &str) -> Result<Vec<EventRow>, StoreError> {
    select_from(conn, "event", clauses, tail)
}

fn select_from(
    conn: &Connection,
    table: &str,
    clauses: Clauses,
    tail: &str,
) -> Result<Vec<EventRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {table}{} {tail}", clauses.sql());
    all(conn, &sql, params_from_iter(clauses.into_values()), read)
}

/// The events of these ids that retention has left, in the order of the ids.
pub(crate) fn events_of(conn: &Connection, ids: &[[u8; 16]]) -> Result<Vec<Event>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM event WHERE id = ?1");
    ids.iter()
        .filter_map(|id| {
            one(conn, &sql, [id], read)
                .and_then(|row| row.map(Event::try_from).transpose())
                .transpose()
        })
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        id: row.get(0)?,
        message: row.get(1)?,
        source: row.get(2)?,
        company: row.get(3)?,
        kind: row.get(4)?,
        category: row.get(5)?,
        subject: row.get(6)?,
        body: row.get(7)?,
        severity: row.get(8)?,
        reading: row.get(9)?,
        fingerprint: row.get(10)?,
        occurred_at: row.get(11)?,
        received_at: row.get(12)?,
        count: row.get(13)?,
        routing: row.get(14)?,
        epoch: row.get(15)?,
        via: row.get(16)?,
        silence: row.get(17)?,
        last_seen_at: row.get(18)?,
        last_message: row.get(19)?,
        reopened: row.get(20)?,
    })
}

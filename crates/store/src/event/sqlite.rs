//! Events on SQLite.

use domain::access::Scope;
use domain::event::Event;
use domain::{EventId, MessageId, SilenceId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::{COLUMNS, EventDelivery, EventQuery, EventRow, above, read_deliveries};
use crate::codec::{severity_rank, split_ids};
use crate::job::{Item, Listed, Listing};
use crate::retention::lowest_id;
use crate::sqlite::{Clauses, Sqlite, all, blob, one};
use crate::{PageAt, StoreError, search};

/// Events that the indexes behind the ack path do not hold yet.
const FINGERPRINT: &str = "(seq IN (SELECT seq FROM event_fingerprint WHERE fingerprint = ?) \
     OR (seq > (SELECT seq FROM indexed) AND fingerprint = ?))";
const TEXT: &str = "seq IN (SELECT rowid FROM event_text WHERE event_text MATCH ?)";
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

pub(super) async fn events(
    db: &Sqlite,
    scope: &Scope,
    query: &EventQuery,
    at: &PageAt,
) -> Result<Vec<Event>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_some("id < ?", blob(at.after_id()?));
    clauses.scope("company", scope);
    narrow(&mut clauses, query);
    let (message, limit) = (query.message, u32::from(at.limit()) + 1);
    let rows = db
        .read(move |conn| {
            of_message(conn, &mut clauses, message)?;
            select(conn, clauses, &format!("ORDER BY id DESC LIMIT {limit}"))
        })
        .await?;
    rows.into_iter().map(Event::try_from).collect()
}

pub(super) async fn list_unrouted(
    db: &Sqlite,
    scope: &Scope,
    query: &EventQuery,
    most: u32,
) -> Result<Listed, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("routing <> 'routed'", []);
    clauses.scope("company", scope);
    narrow(&mut clauses, query);
    let message = query.message;
    // SQLite cannot know that few of many events are unrouted, so it is told; what names its events has a shorter way.
    let named = message.is_some() || query.text.is_some() || query.fingerprint.is_some();
    let from = match named {
        true => "event",
        false => "event INDEXED BY event_unrouted",
    };
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
            listing.add(Some(Item::of_event(row.get(0)?)));
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

fn narrow(clauses: &mut Clauses, query: &EventQuery) {
    clauses.and_some("kind = ?", query.kind.clone());
    clauses.and_some("category = ?", query.category.clone());
    clauses.and_some(
        "company = ?",
        blob(query.company.map(domain::CompanyId::to_bytes)),
    );
    clauses.and_some(
        "source = ?",
        blob(query.source.map(domain::SourceId::to_bytes)),
    );
    clauses.and_some("severity >= ?", query.severity_least.map(severity_rank));
    match query.routing.as_deref() {
        None => {}
        Some("unrouted") => clauses.and("routing <> 'routed'", []),
        Some(word) => clauses.and("routing = ?", [Value::Text(word.to_owned())]),
    }
    clauses.and_some(
        "matched = ?",
        query.matched.map(|matched| matched.as_str().to_owned()),
    );
    clauses.and_some(
        "decode = ?",
        query.decode.map(|decode| decode.as_str().to_owned()),
    );
    // Ids tell the time too, and they have the index.
    clauses.and_some("id >= ?", blob(query.since.map(lowest_id)));
    clauses.and_some("received_at >= ?", query.since.map(Timestamp::micros));
    clauses.and_some("id < ?", blob(query.until.map(above)));
    clauses.and_some("received_at < ?", query.until.map(Timestamp::micros));
    clauses.and_some("silence = ?", blob(query.silence.map(SilenceId::to_bytes)));
    if let Some(text) = &query.text {
        // Each word is quoted and holds letters and digits alone, so nothing in it is an operator.
        let words: Vec<_> = search::words(text)
            .iter()
            .map(|word| format!("\"{word}\""))
            .collect();
        match words.is_empty() {
            true => clauses.and("0", []),
            false => clauses.and(TEXT, [Value::Text(words.join(" "))]),
        }
    }
    if let Some(fingerprint) = query.fingerprint {
        let value = Value::Blob(fingerprint.0.to_vec());
        clauses.and(FINGERPRINT, [value.clone(), value]);
    }
}

/// How many events a silence has muted, up to `most`.
pub(super) async fn silenced(
    db: &Sqlite,
    scope: &Scope,
    id: SilenceId,
    most: u32,
) -> Result<i64, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("silence = ?", blob(Some(id.to_bytes())));
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
    let sql = format!("SELECT {COLUMNS} FROM event{} {tail}", clauses.sql());
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
    })
}

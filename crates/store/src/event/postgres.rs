//! Events on PostgreSQL.

use deadpool_postgres::Client;
use domain::access::Scope;
use domain::event::Event;
use domain::{EventId, MessageId, SilenceId, Timestamp};
use tokio_postgres::Row;

use super::{COLUMNS, EventDelivery, EventQuery, EventRow, above, read_deliveries};
use crate::codec::{fixed, severity_rank, split_ids};
use crate::job::{Item, Listed, Listing};
use crate::postgres::{Clauses, Failure, Postgres, all, finished, one};
use crate::retention::lowest_id;
use crate::{PageAt, StoreError, search};

/// Events that the indexes behind the ack path do not hold yet.
const FINGERPRINT: &str = "(seq IN (SELECT seq FROM event_fingerprint WHERE fingerprint = ?) \
     OR (seq > (SELECT seq FROM indexed) AND fingerprint = ?))";
const TEXT: &str = "seq IN (SELECT seq FROM event_text WHERE words @@ ?::text::tsquery)";
/// The number of storing of an event; of one that is gone, of the one stored last before it.
const STORED_AT: &str = "SELECT seq FROM event WHERE id <= $1 ORDER BY id DESC LIMIT 1";

pub(super) async fn event(
    db: &Postgres,
    scope: &Scope,
    id: EventId,
) -> Result<Option<Event>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("id = ?", id.to_bytes().to_vec());
    clauses.scope("company", scope);
    let rows = select(&db.client().await?, &clauses, "LIMIT 1").await?;
    rows.into_iter().next().map(Event::try_from).transpose()
}

pub(super) async fn deliveries_of_event(
    db: &Postgres,
    scope: &Scope,
    id: EventId,
) -> Result<Vec<EventDelivery>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("id = ?", id.to_bytes().to_vec());
    clauses.scope("company", scope);
    let sql = format!("SELECT deliveries FROM event{}", clauses.sql());
    let column: Option<Vec<u8>> = one(&db.client().await?, &sql, &clauses.values(), |row| {
        row.try_get(0)
    })
    .await?;
    column.map_or(Ok(Vec::new()), |column| {
        read_deliveries(&id.to_bytes(), &column)
    })
}

pub(super) async fn events(
    db: &Postgres,
    scope: &Scope,
    query: &EventQuery,
    at: &PageAt,
) -> Result<Vec<Event>, StoreError> {
    let client = db.client().await?;
    let mut clauses = Clauses::default();
    clauses.and_some("id < ?", at.after_id()?.map(Vec::from));
    clauses.scope("company", scope);
    narrow(&mut clauses, query);
    of_message(&client, &mut clauses, query.message).await?;
    let rows = select(
        &client,
        &clauses,
        &format!("ORDER BY id DESC LIMIT {}", u32::from(at.limit()) + 1),
    )
    .await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// Rows that one statement reads of what a replay takes.
const LISTED_AT_ONCE: u32 = 10_000;

/// As of one instant.
pub(super) async fn list_unrouted(
    db: &Postgres,
    scope: &Scope,
    query: &EventQuery,
    most: u32,
) -> Result<Listed, StoreError> {
    let work = db.snapshot().await?;
    let mut listing = Listing::new(most);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let mut clauses = Clauses::default();
        clauses.and_plain("routing <> 'routed'");
        clauses.and_some("id > ?", after.take());
        clauses.scope("company", scope);
        narrow(&mut clauses, query);
        of_message(&work, &mut clauses, query.message).await?;
        let sql = format!(
            "SELECT id FROM event{} ORDER BY id LIMIT {LISTED_AT_ONCE}",
            clauses.sql()
        );
        let ids = all(&work, &sql, &clauses.values(), |row| {
            row.try_get::<_, Vec<u8>>(0)
        })
        .await?;
        for id in &ids {
            listing.add(Some(Item::of_event(fixed("event", id, id)?)));
        }
        if ids.len() < LISTED_AT_ONCE as usize || listing.is_full() {
            break;
        }
        after = ids.into_iter().next_back();
    }
    work.commit().await?;
    Ok(listing.finish())
}

/// Only the events that came with a message, where the query names one.
async fn of_message(
    client: &Client,
    clauses: &mut Clauses,
    message: Option<MessageId>,
) -> Result<(), StoreError> {
    const EVENTS: &str = "SELECT events FROM message WHERE id = $1";
    if let Some(message) = message {
        let id = message.to_bytes();
        let column: Option<Vec<u8>> =
            one(client, EVENTS, &[&&id[..]], |row| row.try_get(0)).await?;
        clauses.within(
            "id",
            split_ids("message", &id, &column.unwrap_or_default())?,
        );
    }
    Ok(())
}

fn narrow(clauses: &mut Clauses, query: &EventQuery) {
    clauses.and_text("kind = ?", query.kind.as_deref());
    clauses.and_text("category = ?", query.category.as_deref());
    clauses.and_some(
        "company = ?",
        query.company.map(|id| id.to_bytes().to_vec()),
    );
    clauses.and_some("source = ?", query.source.map(|id| id.to_bytes().to_vec()));
    clauses.and_some("severity >= ?", query.severity_least.map(severity_rank));
    match query.routing.as_deref() {
        Some("unrouted") => clauses.and_plain("routing <> 'routed'"),
        word => clauses.and_text("routing = ?", word),
    }
    clauses.and_some(
        "matched = ?",
        query.matched.map(domain::event::Match::as_str),
    );
    clauses.and_some(
        "decode = ?",
        query.decode.map(domain::message::Decode::as_str),
    );
    // Ids tell the time too, and they have the index.
    clauses.and_some("id >= ?", query.since.map(|at| lowest_id(at).to_vec()));
    clauses.and_some("received_at >= ?", query.since.map(Timestamp::micros));
    clauses.and_some("id < ?", query.until.map(|at| above(at).to_vec()));
    clauses.and_some("received_at < ?", query.until.map(Timestamp::micros));
    clauses.and_some(
        "silence = ?",
        query.silence.map(|id| id.to_bytes().to_vec()),
    );
    if let Some(text) = &query.text {
        // Each word is quoted and holds letters and digits alone, so nothing in it is an operator.
        let words: Vec<_> = search::words(text)
            .iter()
            .map(|word| format!("'{word}'"))
            .collect();
        match words.is_empty() {
            true => clauses.and_plain("FALSE"),
            false => clauses.and(TEXT, words.join(" & ")),
        }
    }
    clauses.and_some(
        FINGERPRINT,
        query.fingerprint.map(|fingerprint| fingerprint.0.to_vec()),
    );
}

/// How many events a silence has muted, up to `most`.
pub(super) async fn silenced(
    db: &Postgres,
    scope: &Scope,
    id: SilenceId,
    most: u32,
) -> Result<i64, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("silence = ?", id.to_bytes().to_vec());
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM event{} LIMIT {most}) muted",
        clauses.sql()
    );
    let count: Option<i64> = one(&db.client().await?, &sql, &clauses.values(), |row| {
        row.try_get(0)
    })
    .await?;
    Ok(count.unwrap_or(0))
}

pub(super) async fn events_after(
    db: &Postgres,
    scope: &Scope,
    after: Option<EventId>,
    limit: u16,
) -> Result<Vec<Event>, StoreError> {
    let client = db.client().await?;
    let mut clauses = Clauses::default();
    clauses.and("seq <= ?", finished(&client).await?);
    clauses.scope("company", scope);
    let mut rows = match after {
        None => {
            let mut newest = select(
                &client,
                &clauses,
                &format!("ORDER BY seq DESC LIMIT {limit}"),
            )
            .await?;
            newest.reverse();
            newest
        }
        Some(after) => {
            let seq = one(&client, STORED_AT, &[&&after.to_bytes()[..]], |row| {
                row.try_get::<_, i64>(0)
            })
            .await?;
            clauses.and("seq > ?", seq.unwrap_or(0));
            select(&client, &clauses, &format!("ORDER BY seq LIMIT {limit}")).await?
        }
    };
    rows.drain(..).map(Event::try_from).collect()
}

async fn select(client: &Client, clauses: &Clauses, tail: &str) -> Result<Vec<EventRow>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM event{} {tail}", clauses.sql());
    all(client, &sql, &clauses.values(), read).await
}

/// The events of these ids that retention has left, in the order of the ids.
pub(crate) async fn events_of(client: &Client, ids: &[[u8; 16]]) -> Result<Vec<Event>, Failure> {
    let mut clauses = Clauses::default();
    clauses.within("id", ids.iter().copied());
    let mut found = std::collections::HashMap::new();
    for row in select(client, &clauses, "").await? {
        found.insert(row.id.clone(), row);
    }
    let rows = ids.iter().filter_map(|id| found.remove(&id[..]));
    Ok(rows.map(Event::try_from).collect::<Result<_, _>>()?)
}

fn read(row: &Row) -> Result<EventRow, tokio_postgres::Error> {
    Ok(EventRow {
        id: row.try_get(0)?,
        message: row.try_get(1)?,
        source: row.try_get(2)?,
        company: row.try_get(3)?,
        kind: row.try_get(4)?,
        category: row.try_get(5)?,
        subject: row.try_get(6)?,
        body: row.try_get(7)?,
        severity: row.try_get(8)?,
        reading: row.try_get(9)?,
        fingerprint: row.try_get(10)?,
        occurred_at: row.try_get(11)?,
        received_at: row.try_get(12)?,
        count: row.try_get(13)?,
        routing: row.try_get(14)?,
        epoch: row.try_get(15)?,
        via: row.try_get(16)?,
        silence: row.try_get(17)?,
    })
}

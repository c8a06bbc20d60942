//! Events on PostgreSQL.

mod narrow;

use deadpool_postgres::Client;
use delivery::replay::Meant;
use domain::access::Scope;
use domain::event::Event;
use domain::{EventId, MessageId, SilenceId, Timestamp};
use tokio_postgres::Row;

use super::walk::{Search, Stride};
use super::{COLUMNS, EventDelivery, EventQuery, EventRow, read_deliveries};
use crate::StoreError;
use crate::codec::{fixed, split_ids};
use crate::job::{Item, Listed, Listing};
use crate::postgres::{Clauses, Failure, Postgres, all, finished, one};
use crate::retention::lowest_id;
use narrow::{between, narrow, narrow_by, outline, phrase};

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

/// The next rows of a walk that fit what PostgreSQL can say of a search.
pub(super) async fn stride(
    db: &Postgres,
    scope: &Scope,
    search: &Search,
    stride: Stride,
) -> Result<Vec<EventRow>, StoreError> {
    let client = db.client().await?;
    let mut clauses = Clauses::default();
    between(&mut clauses, search, stride);
    clauses.scope("company", scope);
    narrow(&mut clauses, &search.query);
    narrow_by(&mut clauses, &search.narrowing);
    of_message(&client, &mut clauses, search.query.message).await?;
    let tail = format!("ORDER BY id{} LIMIT {}", order(search), stride.limit);
    Ok(select(&client, &clauses, &tail).await?)
}

/// The id of the last event that a walk over so many comes by; none when there are fewer.
pub(super) async fn reach(
    db: &Postgres,
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
    let id: Option<Vec<u8>> = one(&db.client().await?, &sql, &clauses.values(), |row| {
        row.try_get(0)
    })
    .await?;
    id.map(|id| fixed("event", &id, &id)).transpose()
}

/// How many events the index knows to hold all of the words, up to `most`.
pub(super) async fn holding(db: &Postgres, words: &[String], most: u32) -> Result<i64, StoreError> {
    const HOLDING: &str = "SELECT count(*) FROM \
         (SELECT 1 FROM event_text WHERE words @@ $1::text::tsquery LIMIT $2::bigint) holding";
    let (phrase, most) = (phrase(words), i64::from(most));
    let count = one(&db.client().await?, HOLDING, &[&phrase, &most], |row| {
        row.try_get(0)
    })
    .await?;
    Ok(count.unwrap_or(0))
}

fn order(search: &Search) -> &'static str {
    match search.query.oldest_first {
        true => "",
        false => " DESC",
    }
}

/// Rows that one statement reads of what a replay takes.
const LISTED_AT_ONCE: u32 = 10_000;

/// As of one instant.
pub(super) async fn list(
    db: &Postgres,
    scope: &Scope,
    query: &EventQuery,
    meant: Meant,
    most: u32,
) -> Result<Listed, StoreError> {
    let work = db.snapshot().await?;
    let mut listing = Listing::new(most);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let mut clauses = Clauses::default();
        if meant == Meant::Route {
            clauses.and_plain("routing <> 'routed'");
        }
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
            listing.add(Some(Item::of_event(fixed("event", id, id)?, meant)));
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

/// How many events a silence has muted, up to `most`.
pub(super) async fn silenced(
    db: &Postgres,
    scope: &Scope,
    id: SilenceId,
    since: Option<Timestamp>,
    most: u32,
) -> Result<i64, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("silence = ?", id.to_bytes().to_vec());
    clauses.and_some("id >= ?", since.map(|since| lowest_id(since).to_vec()));
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

pub(super) async fn unrouted(
    db: &Postgres,
    scope: &Scope,
    since: Timestamp,
    most: u32,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_plain("routing <> 'routed'");
    clauses.and("id >= ?", lowest_id(since).to_vec());
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT routing, count(*) FROM \
         (SELECT routing FROM event{} ORDER BY id DESC LIMIT {most}) AS unrouted GROUP BY routing",
        clauses.sql()
    );
    let rows = all(&db.client().await?, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;
    Ok(rows)
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
        last_seen_at: row.try_get(18)?,
        last_message: row.try_get(19)?,
        reopened: row.try_get(20)?,
    })
}

//! The books on PostgreSQL.

use std::collections::HashSet;

use deadpool_postgres::Client;
use domain::{EventId, MessageId};
use futures_util::TryStreamExt as _;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::books::{Sealing, day_of, first_id};
use super::{Book, BookRow, Books, Checked, DAYS, Day, DayRows, Kept, Line, Notary, Place};
use crate::StoreError;
use crate::codec::fixed;
use crate::postgres::{Failure, Postgres, Work, all, finished, one, retried, run};

const WAITING: &str = "SELECT seq, id, source, received_at, sha256, headers FROM message \
     WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
const OF_DAY: &str = "SELECT seq, id, source, received_at, sha256, headers FROM message \
     WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";
const ALL: &str = "SELECT seq, count, sum, mac FROM sealed";
const ALL_ALONE: &str = "SELECT seq, count, sum, mac FROM sealed FOR UPDATE";
const FIRST: &str = "INSERT INTO sealed VALUES (1, 0, $1, $2, $3) ON CONFLICT (one) DO NOTHING";
const SET_ALL: &str = "UPDATE sealed SET seq = $1, count = $2, sum = $3, mac = $4";
const DAY: &str = "SELECT count, sum, mac FROM seal WHERE day = $1";
const SET_DAY: &str = "INSERT INTO seal VALUES ($1, $2, $3, $4) ON CONFLICT (day) DO UPDATE \
     SET count = excluded.count, sum = excluded.sum, mac = excluded.mac";
const LIST: &str = "SELECT day, count, sum, mac FROM seal ORDER BY day LIMIT $1";
const PRUNED: &str = "SELECT count, hash, mac FROM pruned WHERE class = $1 AND day = $2";
/// Makes the row, so that two nodes do not go on from the same one.
const FIRST_PRUNED: &str = "INSERT INTO pruned (class, day, count, hash, mac) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (day, class) DO NOTHING";
const PRUNED_ALONE: &str =
    "SELECT count, hash, mac FROM pruned WHERE class = $1 AND day = $2 FOR UPDATE";
const SET_PRUNED: &str =
    "UPDATE pruned SET count = $3, hash = $4, mac = $5 WHERE class = $1 AND day = $2";
const PRUNED_DAYS: &str =
    "SELECT day FROM pruned WHERE class = 'messages' AND mac IS NOT NULL ORDER BY day LIMIT $1";
const NEXT: &str = "SELECT id FROM message WHERE id >= $1 ORDER BY id LIMIT 1";
const MESSAGES: &str =
    "SELECT id, sha256, events, raw FROM message WHERE id > $1 ORDER BY id LIMIT $2";
const THERE: &str = "SELECT id FROM event WHERE id = ANY($1::bytea[])";
const EVENTS: &str = "SELECT e.id, e.message, coalesce(position(e.id IN m.events), 0) > 0 FROM event e \
     LEFT JOIN message m ON m.id = e.message WHERE e.id > $1 ORDER BY e.id LIMIT $2";
/// Rows of a day that one statement reads.
const AT_ONCE: i64 = 10_000;

pub(super) async fn seal(
    db: &Postgres,
    notary: &Notary,
    limit: usize,
) -> Result<usize, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let sealing = {
        let client = db.client().await?;
        let from = sealed_up_to(&client).await?;
        // Up to where no message is still on its way.
        let finished = finished(&client).await?;
        let lines = all(&client, WAITING, &[&from, &finished, &most], line).await?;
        let to = lines.last().map_or(from, |line| line.seq);
        Sealing::of(notary, from, to, &lines)
    };
    if sealing.count == 0 {
        return Ok(0);
    }
    retried!(seal_once(db, notary, &sealing))
}

async fn seal_once(db: &Postgres, notary: &Notary, sealing: &Sealing) -> Result<usize, Failure> {
    let work = db.begin().await?;
    let outcome = add(&work, notary, sealing).await;
    work.end(outcome).await
}

async fn add(work: &Work, notary: &Notary, sealing: &Sealing) -> Result<usize, Failure> {
    let first = notary.row(Place::All(0), &Book::default());
    run(work, FIRST, &[&first.count, &first.sum, &first.mac]).await?;
    let found = one(work, ALL_ALONE, &[], whole).await?;
    let Some((seq, row)) = found.filter(|(seq, _)| *seq == sealing.from) else {
        // Another node has sealed them.
        return Ok(0);
    };
    let book = notary.read(Place::All(seq), Some(&row))?;
    for (day, more) in &sealing.days {
        let row = one(work, DAY, &[day], |row| book_row(row, 0)).await?;
        let book = notary.read(Place::Day(*day), row.as_ref())?.with(more);
        let row = notary.row(Place::Day(*day), &book);
        run(work, SET_DAY, &[day, &row.count, &row.sum, &row.mac]).await?;
    }
    let row = notary.row(Place::All(sealing.to), &book.with(&sealing.total()));
    run(
        work,
        SET_ALL,
        &[&sealing.to, &row.count, &row.sum, &row.mac],
    )
    .await?;
    Ok(sealing.count)
}

/// Up to which number of storing messages are sealed.
pub(crate) async fn sealed_up_to(client: &Client) -> Result<i64, Failure> {
    let found = one(client, ALL, &[], whole).await?;
    Ok(found.map_or(0, |(seq, _)| seq))
}

/// Adds to what was pruned of a class in a day.
pub(crate) async fn add_pruned(
    work: &Work,
    notary: &Notary,
    class: &str,
    day: i64,
    more: &Book,
) -> Result<(), Failure> {
    let place = Place::Pruned { class, day };
    let row = notary.row(place, &Book::default());
    run(
        work,
        FIRST_PRUNED,
        &[&class, &day, &row.count, &row.sum, &row.mac],
    )
    .await?;
    let row = one(work, PRUNED_ALONE, &[&class, &day], |row| book_row(row, 0)).await?;
    let book = notary.read(place, row.as_ref())?.with(more);
    let row = notary.row(place, &book);
    run(
        work,
        SET_PRUNED,
        &[&class, &day, &row.count, &row.sum, &row.mac],
    )
    .await
    .map(drop)
}

pub(super) async fn all_books(db: &Postgres) -> Result<Books, StoreError> {
    let work = db.snapshot().await?;
    let limit = i64::try_from(DAYS).unwrap_or(i64::MAX);
    let mut present = Vec::new();
    let mut from = [0; 16];
    while present.len() < DAYS {
        let id: Option<Vec<u8>> = one(&work, NEXT, &[&&from[..]], |row| row.try_get(0)).await?;
        let Some(id) = id else { break };
        let day = day_of(&id);
        present.push(day);
        from = first_id(day + 1);
    }
    let books = Books {
        all: one(&work, ALL, &[], whole).await?,
        days: all(&work, LIST, &[&limit], |row| {
            Ok((row.try_get(0)?, book_row(row, 1)?))
        })
        .await?,
        pruned: all(&work, PRUNED_DAYS, &[&limit], |row| row.try_get(0)).await?,
        present,
    };
    work.commit().await?;
    Ok(books)
}

pub(super) async fn day(db: &Postgres, notary: &Notary, day: i64) -> Result<Day, StoreError> {
    let work = db.snapshot().await?;
    let up_to = sealed_up_to(&work).await?;
    let class = crate::RetentionClass::Messages.as_str();
    let mut rows = DayRows {
        day,
        sealed: one(&work, DAY, &[&day], |row| book_row(row, 0)).await?,
        pruned: one(&work, PRUNED, &[&class, &day], |row| book_row(row, 0)).await?,
        ..DayRows::default()
    };
    // Below every id of the day.
    let mut after = first_id(day)[..6].to_vec();
    let end = first_id(day + 1).to_vec();
    loop {
        let lines = all(&work, OF_DAY, &[&after, &end, &AT_ONCE], line).await?;
        for line in &lines {
            match line.seq <= up_to {
                true => rows.present.add(notary.line(line)),
                false => rows.unsealed += 1,
            }
        }
        let Some(last) = lines.into_iter().next_back() else {
            break;
        };
        after = last.id;
    }
    work.commit().await?;
    Ok(rows.check(notary))
}

pub(super) async fn messages(
    db: &Postgres,
    after: Option<[u8; 16]>,
    limit: u16,
) -> Result<Checked<MessageId>, StoreError> {
    let work = db.snapshot().await?;
    let after = after.map(Vec::from).unwrap_or_default();
    let statement = work.prepare_cached(MESSAGES).await.map_err(Failure::from)?;
    let limits = i64::from(limit);
    let asked: [&(dyn ToSql + Sync); 2] = [&after, &limits];
    // Raw messages come one by one and are not held together.
    let mut rows = std::pin::pin!(work.query_raw(&statement, asked).await?);
    let mut kept = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let bytes = |column| row.try_get::<_, Vec<u8>>(column);
        let id = bytes(0)?;
        let id = fixed("message", &id, &id)?;
        kept.push(Kept::new(id, &bytes(1)?, bytes(2)?, &bytes(3)?));
    }
    let asked: Vec<[u8; 16]> = kept.iter().flat_map(Kept::events).collect();
    let asked: Vec<&[u8]> = asked.iter().map(|id| &id[..]).collect();
    let rows: Vec<Vec<u8>> = all(&work, THERE, &[&asked], |row| row.try_get(0)).await?;
    work.commit().await?;
    let there = rows
        .iter()
        .map(|id| fixed("event", id, id))
        .collect::<Result<HashSet<_>, _>>()?;
    let last = kept.last().map(|last| MessageId::from_bytes(last.id));
    Ok(Checked {
        rows: kept.len() as u64,
        next: last.filter(|_| kept.len() >= usize::from(limit)),
        faults: kept.iter().flat_map(|kept| kept.faults(&there)).collect(),
    })
}

pub(super) async fn events(
    db: &Postgres,
    after: Option<[u8; 16]>,
    limit: u16,
) -> Result<Vec<(EventId, MessageId, bool)>, StoreError> {
    let after = after.map(Vec::from).unwrap_or_default();
    let client = db.client().await?;
    let rows = all(&client, EVENTS, &[&after, &i64::from(limit)], |row| {
        Ok((
            row.try_get::<_, Vec<u8>>(0)?,
            row.try_get::<_, Vec<u8>>(1)?,
            row.try_get(2)?,
        ))
    })
    .await?;
    rows.into_iter()
        .map(|(event, message, is_named)| {
            let message = fixed("event", &event, &message)?;
            let event = fixed("event", &event, &event)?;
            Ok((
                EventId::from_bytes(event),
                MessageId::from_bytes(message),
                is_named,
            ))
        })
        .collect()
}

fn whole(row: &Row) -> Result<(i64, BookRow), tokio_postgres::Error> {
    Ok((row.try_get(0)?, book_row(row, 1)?))
}

fn line(row: &Row) -> Result<Line, tokio_postgres::Error> {
    Ok(Line {
        seq: row.try_get(0)?,
        id: row.try_get(1)?,
        source: row.try_get(2)?,
        received_at: row.try_get(3)?,
        sha256: row.try_get(4)?,
        headers: row.try_get(5)?,
    })
}

fn book_row(row: &Row, from: usize) -> Result<BookRow, tokio_postgres::Error> {
    Ok(BookRow {
        count: row.try_get(from)?,
        sum: row.try_get(from + 1)?,
        mac: row.try_get(from + 2)?,
    })
}

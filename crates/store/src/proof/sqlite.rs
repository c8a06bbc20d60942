//! The books on SQLite.

use std::collections::HashSet;

use domain::{EventId, MessageId};
use rusqlite::{Connection, Row};

use super::books::{Sealing, day_of, first_id};
use super::{Book, BookRow, Books, Checked, DAYS, Day, DayRows, Kept, Line, Notary, Place};
use crate::StoreError;
use crate::sqlite::{Care, Sqlite, all, one, run};

const WAITING: &str = "SELECT seq, id, source, received_at, sha256, headers FROM message WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const OF_DAY: &str =
    "SELECT seq, id, source, received_at, sha256, headers FROM message WHERE id >= ?1 AND id < ?2";
const ALL: &str = "SELECT seq, count, sum, mac FROM sealed";
const SET_ALL: &str = "INSERT OR REPLACE INTO sealed VALUES (1, ?1, ?2, ?3, ?4)";
const DAY: &str = "SELECT count, sum, mac FROM seal WHERE day = ?1";
const SET_DAY: &str = "INSERT OR REPLACE INTO seal VALUES (?1, ?2, ?3, ?4)";
const LIST: &str = "SELECT day, count, sum, mac FROM seal ORDER BY day LIMIT ?1";
const PRUNED: &str = "SELECT count, hash, mac FROM pruned WHERE class = ?1 AND day = ?2";
const SET_PRUNED: &str =
    "INSERT OR REPLACE INTO pruned (class, day, count, hash, mac) VALUES (?1, ?2, ?3, ?4, ?5)";
const PRUNED_DAYS: &str =
    "SELECT day FROM pruned WHERE class = 'messages' AND mac IS NOT NULL ORDER BY day LIMIT ?1";
const NEXT: &str = "SELECT id FROM message WHERE id >= ?1 ORDER BY id LIMIT 1";
const NEWEST: &str = "SELECT max(seq) FROM message";
const MESSAGES: &str =
    "SELECT id, sha256, events, raw FROM message WHERE id > ?1 ORDER BY id LIMIT ?2";
const EVENT: &str = "SELECT 1 FROM event WHERE id = ?1";
const EVENTS: &str = "SELECT e.id, e.message, coalesce(instr(m.events, e.id), 0) > 0 FROM event e \
     LEFT JOIN message m ON m.id = e.message WHERE e.id > ?1 ORDER BY e.id LIMIT ?2";

pub(super) async fn seal(db: &Sqlite, notary: Notary, limit: usize) -> Result<usize, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let hashing = notary.clone();
    // Hashing is for a reader: the writer only adds sums.
    let sealing = db
        .read(move |conn| {
            let from = sealed_up_to(conn)?;
            let lines = all(conn, WAITING, (from, most), line)?;
            let to = lines.last().map_or(from, |line| line.seq);
            Ok(Sealing::of(&hashing, from, to, &lines))
        })
        .await?;
    if sealing.count == 0 {
        return Ok(0);
    }
    db.write(Care::Guarded, move |conn| {
        if sealed_up_to(conn)? != sealing.from {
            // Somebody else has sealed them.
            return Ok(0);
        }
        for (day, book) in &sealing.days {
            let row = one(conn, DAY, [day], |row| book_row(row, 0))?;
            let book = notary.read(Place::Day(*day), row.as_ref())?.with(book);
            let row = notary.row(Place::Day(*day), &book);
            run(conn, SET_DAY, (day, row.count, row.sum, row.mac))?;
        }
        let row = whole(conn)?.map(|(_, row)| row);
        let book = notary.read(Place::All(sealing.from), row.as_ref())?;
        set_all(conn, &notary, sealing.to, &book.with(&sealing.total()))?;
        Ok(sealing.count)
    })
    .await
}

/// Up to which number of storing messages are sealed.
pub(crate) fn sealed_up_to(conn: &Connection) -> Result<i64, StoreError> {
    Ok(whole(conn)?.map_or(0, |(seq, _)| seq))
}

fn whole(conn: &Connection) -> Result<Option<(i64, BookRow)>, StoreError> {
    one(conn, ALL, [], |row| Ok((row.get(0)?, book_row(row, 1)?)))
}

fn set_all(conn: &Connection, notary: &Notary, seq: i64, book: &Book) -> Result<(), StoreError> {
    let row = notary.row(Place::All(seq), book);
    run(conn, SET_ALL, (seq, row.count, row.sum, row.mac)).map(drop)
}

/// A number of storing is given again once all messages that had it or a higher one are gone: those to come are not sealed.
pub(crate) fn step_back(conn: &Connection, notary: &Notary) -> Result<(), StoreError> {
    let newest: i64 = one(conn, NEWEST, [], |row| row.get::<_, Option<i64>>(0))?
        .flatten()
        .unwrap_or(0);
    match whole(conn)? {
        Some((seq, row)) if newest < seq => {
            let book = notary.read(Place::All(seq), Some(&row))?;
            set_all(conn, notary, newest, &book)
        }
        _ => Ok(()),
    }
}

/// Adds to what was pruned of a class in a day.
pub(crate) fn add_pruned(
    conn: &Connection,
    notary: &Notary,
    class: &str,
    day: i64,
    more: &Book,
) -> Result<(), StoreError> {
    let place = Place::Pruned { class, day };
    let row = one(conn, PRUNED, (class, day), |row| book_row(row, 0))?;
    let book = notary.read(place, row.as_ref())?.with(more);
    let row = notary.row(place, &book);
    run(conn, SET_PRUNED, (class, day, row.count, row.sum, row.mac)).map(drop)
}

pub(super) async fn all_books(db: &Sqlite) -> Result<Books, StoreError> {
    db.read(|conn| {
        let limit = i64::try_from(DAYS).unwrap_or(i64::MAX);
        let mut present = Vec::new();
        let mut from = [0; 16];
        while present.len() < DAYS {
            let Some(id) = one(conn, NEXT, [from], |row| row.get::<_, [u8; 16]>(0))? else {
                break;
            };
            let day = day_of(&id);
            present.push(day);
            from = first_id(day + 1);
        }
        Ok(Books {
            all: whole(conn)?,
            days: all(conn, LIST, [limit], |row| {
                Ok((row.get(0)?, book_row(row, 1)?))
            })?,
            pruned: all(conn, PRUNED_DAYS, [limit], |row| row.get(0))?,
            present,
        })
    })
    .await
}

pub(super) async fn day(db: &Sqlite, notary: Notary, day: i64) -> Result<Day, StoreError> {
    db.read(move |conn| {
        let up_to = sealed_up_to(conn)?;
        let class = crate::RetentionClass::Messages.as_str();
        let mut rows = DayRows {
            day,
            sealed: one(conn, DAY, [day], |row| book_row(row, 0))?,
            pruned: one(conn, PRUNED, (class, day), |row| book_row(row, 0))?,
            ..DayRows::default()
        };
        let mut statement = conn.prepare_cached(OF_DAY)?;
        let mut found = statement.query((first_id(day), first_id(day + 1)))?;
        while let Some(row) = found.next()? {
            let line = line(row)?;
            match line.seq <= up_to {
                true => rows.present.add(notary.line(&line)),
                false => rows.unsealed += 1,
            }
        }
        Ok(rows.check(&notary))
    })
    .await
}

pub(super) async fn messages(
    db: &Sqlite,
    after: Option<[u8; 16]>,
    limit: u16,
) -> Result<Checked<MessageId>, StoreError> {
    db.read(move |conn| {
        let mut statement = conn.prepare_cached(MESSAGES)?;
        let mut rows = statement.query((after.unwrap_or([0; 16]), limit))?;
        let mut checked = Checked {
            rows: 0,
            faults: Vec::new(),
            next: None,
        };
        while let Some(row) = rows.next()? {
            let (sha256, raw): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(3)?);
            let kept = Kept::new(row.get(0)?, &sha256, row.get(2)?, &raw);
            let mut there = HashSet::new();
            for event in kept.events() {
                if one(conn, EVENT, [event], |_| Ok(()))?.is_some() {
                    there.insert(event);
                }
            }
            checked.faults.extend(kept.faults(&there));
            checked.rows += 1;
            checked.next = Some(MessageId::from_bytes(kept.id));
        }
        if checked.rows < u64::from(limit) {
            checked.next = None;
        }
        Ok(checked)
    })
    .await
}

pub(super) async fn events(
    db: &Sqlite,
    after: Option<[u8; 16]>,
    limit: u16,
) -> Result<Vec<(EventId, MessageId, bool)>, StoreError> {
    db.read(move |conn| {
        all(conn, EVENTS, (after.unwrap_or([0; 16]), limit), |row| {
            Ok((
                EventId::from_bytes(row.get(0)?),
                MessageId::from_bytes(row.get(1)?),
                row.get(2)?,
            ))
        })
    })
    .await
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        seq: row.get(0)?,
        id: row.get(1)?,
        source: row.get(2)?,
        received_at: row.get(3)?,
        sha256: row.get(4)?,
        headers: row.get(5)?,
    })
}

fn book_row(row: &Row<'_>, from: usize) -> rusqlite::Result<BookRow> {
    Ok(BookRow {
        count: row.get(from)?,
        sum: row.get(from + 1)?,
        mac: row.get(from + 2)?,
    })
}

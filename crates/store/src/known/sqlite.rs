//! What is known, on SQLite. Accepts are written one by one there, so nothing can come in between.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::{Print, TOUCH_MICROS, bounded};
use crate::StoreError;
use crate::sqlite::{Sqlite, all, one, run};

const WAITING: &str = "SELECT max(seq) - (SELECT seq FROM indexed) FROM event";
/// The events that the index has not reached.
const TAIL: &str =
    "SELECT company, fingerprint, id FROM event WHERE seq > (SELECT seq FROM indexed) ORDER BY seq";
const INDEXED: &str = "SELECT e.id FROM event_fingerprint f JOIN event e ON e.seq = f.seq \
     WHERE f.fingerprint = ?2 AND e.company = ?1 ORDER BY f.seq LIMIT 1";
const KNOWN: &str = "SELECT event, seen_at FROM known WHERE company = ?1 AND fingerprint = ?2";
const REMEMBER: &str = "INSERT INTO known VALUES (?1, ?2, ?3, ?4)";
const TOUCH: &str = "UPDATE known SET seen_at = ?3 WHERE company = ?1 AND fingerprint = ?2";

pub(super) async fn known(
    db: &Sqlite,
    prints: Vec<Print>,
) -> Result<Vec<Option<[u8; 16]>>, StoreError> {
    db.read(move |conn| {
        let known = tail(conn, prints.iter().copied())?;
        let event = |print: &Print| -> Result<_, StoreError> {
            match one(conn, KNOWN, *print, |row| row.get(0))? {
                Some(event) => Ok(Some(event)),
                None => known.by_other_ways(conn, *print),
            }
        };
        prints.iter().map(event).collect()
    })
    .await
}

/// What the events behind the end of the index tell of.
pub(crate) struct Known(HashMap<Print, [u8; 16]>);

/// Looks the events behind the end of the index through for these.
pub(crate) fn tail(
    conn: &Connection,
    prints: impl Iterator<Item = Print>,
) -> Result<Known, StoreError> {
    bounded(one(conn, WAITING, [], |row| row.get::<_, Option<i64>>(0))?.flatten())?;
    let asked: HashSet<Print> = prints.collect();
    let mut found = HashMap::new();
    let rows = all(conn, TAIL, [], |row| {
        Ok((
            row.get::<_, Option<[u8; 16]>>(0)?,
            row.get::<_, [u8; 16]>(1)?,
            row.get::<_, [u8; 16]>(2)?,
        ))
    })?;
    for (company, fingerprint, event) in rows {
        let print = (company.unwrap_or_default(), fingerprint);
        if asked.contains(&print) {
            found.entry(print).or_insert(event);
        }
    }
    Ok(Known(found))
}

impl Known {
    /// The event that told of this before. What nothing told of is told by this event, and remembered.
    pub(crate) fn meet(
        &self,
        conn: &Connection,
        print: Print,
        event: [u8; 16],
        now: i64,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        let known = one(conn, KNOWN, print, |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?))
        })?;
        if let Some((earlier, seen_at)) = known {
            if now.saturating_sub(seen_at) >= TOUCH_MICROS {
                run(conn, TOUCH, (print.0, print.1, now))?;
            }
            return Ok(Some(earlier));
        }
        let earlier = self.by_other_ways(conn, print)?;
        let row = (print.0, print.1, earlier.unwrap_or(event), now);
        run(conn, REMEMBER, row)?;
        Ok(earlier)
    }

    /// An event that no import raised.
    fn by_other_ways(
        &self,
        conn: &Connection,
        print: Print,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        match one(conn, INDEXED, print, |row| row.get(0))? {
            Some(event) => Ok(Some(event)),
            None => Ok(self.0.get(&print).copied()),
        }
    }
}

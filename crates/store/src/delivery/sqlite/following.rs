//! What has happened to deliveries, by the numbers of storing.

use domain::Timestamp;

use super::super::following::{AT_ONCE, Followed, FollowedRows, LOOKED_BACK, UpTo};
use crate::StoreError;
use crate::sqlite::{Sqlite, all, one};

const NEWEST: &str =
    "SELECT coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT max(seq) FROM attempt), 0)";
/// Among the newest alone, for no index is in the order of these times. A late number may be of an early time.
const BEFORE: &str = "SELECT (SELECT min(seq) - 1 FROM (SELECT seq, received_at AS at FROM event \
     ORDER BY seq DESC LIMIT ?2) WHERE at >= ?1), (SELECT min(seq) - 1 FROM (SELECT seq, started_at + duration AS at \
     FROM attempt ORDER BY seq DESC LIMIT ?2) WHERE at >= ?1)";
const EVENTS: &str = "SELECT seq, id, deliveries FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const ATTEMPTS: &str = "SELECT seq, delivery FROM attempt WHERE seq > ?1 ORDER BY seq LIMIT ?2";

fn newest(conn: &rusqlite::Connection) -> Result<UpTo, StoreError> {
    let newest = one(conn, NEWEST, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (event, attempt) = newest.unwrap_or_default();
    Ok(UpTo { event, attempt })
}

pub(in super::super) async fn up_to(
    db: &Sqlite,
    since: Option<Timestamp>,
) -> Result<UpTo, StoreError> {
    db.read(move |conn| {
        let newest = newest(conn)?;
        let Some(since) = since else {
            return Ok(newest);
        };
        let before = one(conn, BEFORE, [since.micros(), LOOKED_BACK], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let (event, attempt): (Option<i64>, Option<i64>) = before.unwrap_or_default();
        Ok(UpTo {
            event: event.unwrap_or(newest.event),
            attempt: attempt.unwrap_or(newest.attempt),
        })
    })
    .await
}

pub(in super::super) async fn followed(db: &Sqlite, since: UpTo) -> Result<Followed, StoreError> {
    let (rows, since) = db
        .read(move |conn| {
            // A number may be given again after the newest row was forgotten.
            let newest = newest(conn)?;
            let since = UpTo {
                event: since.event.min(newest.event),
                attempt: since.attempt.min(newest.attempt),
            };
            let rows = FollowedRows {
                events: all(conn, EVENTS, [since.event, AT_ONCE], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?,
                attempts: all(conn, ATTEMPTS, [since.attempt, AT_ONCE], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?,
            };
            Ok((rows, since))
        })
        .await?;
    rows.read(since)
}

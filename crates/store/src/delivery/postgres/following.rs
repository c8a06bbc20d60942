//! What has happened to deliveries, by the numbers of storing.

use domain::Timestamp;

use super::super::following::{AT_ONCE, Followed, FollowedRows, LOOKED_BACK, UpTo};
use crate::StoreError;
use crate::figures::settled;
use crate::postgres::{Postgres, all, finished, one};

const NEWEST: &str =
    "SELECT coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT max(seq) FROM attempt), 0)";
/// Among the newest alone, for no index is in the order of these times. A late number may be of an early time.
const BEFORE: &str = "SELECT (SELECT min(seq) - 1 FROM (SELECT seq, received_at AS at FROM event \
     ORDER BY seq DESC LIMIT $2) AS newest WHERE at >= $1), (SELECT min(seq) - 1 FROM (SELECT seq, \
     started_at + duration AS at FROM attempt ORDER BY seq DESC LIMIT $2) AS newest WHERE at >= $1)";
const EVENTS: &str =
    "SELECT seq, id, deliveries FROM event WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
const ATTEMPTS: &str =
    "SELECT seq, delivery FROM attempt WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";

/// What is stored and has ended. A settle that goes on for long holds the answer back, but not by more than is looked back.
pub(in super::super) async fn up_to(
    db: &Postgres,
    since: Option<Timestamp>,
) -> Result<UpTo, StoreError> {
    let client = db.client().await?;
    let (stored, settled) = (finished(&client).await?, settled(db, &client).await?);
    let newest = one(&client, NEWEST, &[], |row| {
        Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?))
    })
    .await?;
    let (event, attempt) = newest.unwrap_or_default();
    let ended = |newest: i64, ended: i64| newest.min(ended).max(newest - LOOKED_BACK);
    let newest = UpTo {
        event: ended(event, stored),
        attempt: ended(attempt, settled),
    };
    let Some(since) = since else {
        return Ok(newest);
    };
    let before = one(&client, BEFORE, &[&since.micros(), &LOOKED_BACK], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;
    let (event, attempt): (Option<i64>, Option<i64>) = before.unwrap_or_default();
    Ok(UpTo {
        event: event.map_or(newest.event, |event| event.min(newest.event)),
        attempt: attempt.map_or(newest.attempt, |attempt| attempt.min(newest.attempt)),
    })
}

pub(in super::super) async fn followed(db: &Postgres, since: UpTo) -> Result<Followed, StoreError> {
    let client = db.client().await?;
    let (stored, settled) = (finished(&client).await?, settled(db, &client).await?);
    let events = all(&client, EVENTS, &[&since.event, &stored, &AT_ONCE], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })
    .await?;
    let attempts = all(
        &client,
        ATTEMPTS,
        &[&since.attempt, &settled, &AT_ONCE],
        |row| Ok((row.try_get(0)?, row.try_get(1)?)),
    )
    .await?;
    FollowedRows { events, attempts }.read(since)
}

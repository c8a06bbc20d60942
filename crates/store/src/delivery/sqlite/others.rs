//! What an owner asks beside what is due in order: who waits behind a flood, how much has piled up, what a clock left behind.

use domain::{CompanyId, DeliveryId, IntegrationId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::super::ahead::{Look, Place, Taken, Taking};
use super::super::{Backlog, Due, Others};
use super::work::due_row;
use crate::sqlite::{Sqlite, all, one};
use crate::{Store, StoreError};

const LANES: [i16; 3] = [0, 1, 2];
/// All of it stands in the index, so passing a delivery costs next to nothing.
const SEEN: &str = "SELECT seq, due_at, company FROM delivery INDEXED BY delivery_due \
     WHERE integration = ?1 AND lane = ?2 AND due_at <= ?3 AND (due_at, company) > (?4, ?5) AND status = 'pending' \
     ORDER BY due_at, company LIMIT ?6";
const ONE: &str = "SELECT id, company, critical, event, replay_of, created_at, body, headers, hash, \
     status, attempts, due_at, not_before, parked_since, reason FROM delivery WHERE seq = ?1";
const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_due \
     WHERE integration = ?1 AND status = 'pending' LIMIT ?2)";
const OLDEST: &str = "SELECT min(due_at) FROM delivery INDEXED BY delivery_due \
     WHERE integration = ?1 AND lane = ?2 AND status = 'pending'";
/// Ids begin with the time of their making.
const MADE_LATER: &str = "SELECT id FROM delivery INDEXED BY delivery_of_integration \
     WHERE integration = ?1 AND id > ?2 AND status = 'pending' AND due_at > ?3 ORDER BY id LIMIT ?4";

pub(in super::super) async fn due_of_others(
    db: &Sqlite,
    look: Look<'_>,
) -> Result<Others, StoreError> {
    let (skip, crowded) = (look.skip.clone(), look.crowded.clone());
    let Look {
        integration,
        now,
        ahead,
        limit,
        each,
        ..
    } = look;
    db.read(move |conn| {
        let look = Look {
            integration,
            now,
            ahead,
            limit,
            each,
            skip: &skip,
            crowded: &crowded,
        };
        let mut taking = Taking::new(&look);
        for lane in 0..LANES.len() {
            look_at(conn, &look, lane, &mut taking)?;
        }
        Ok(taking.others)
    })
    .await
}

fn look_at(
    conn: &Connection,
    look: &Look<'_>,
    lane: usize,
    taking: &mut Taking,
) -> Result<(), StoreError> {
    let (after, company) = look.ahead.0[lane].unwrap_or((i64::MIN, [0; 16]));
    let most = i64::try_from(Store::LOOK_AHEAD).unwrap_or(i64::MAX);
    let place = (
        look.integration.to_bytes(),
        LANES[lane],
        look.now.micros(),
        after,
        company,
        most,
    );
    let (mut last, mut seen): (Option<Place>, usize) = (None, 0);
    let mut statement = conn.prepare_cached(SEEN)?;
    let mut rows = statement.query(place)?;
    while let Some(row) = rows.next()? {
        let company: [u8; 16] = row.get(2)?;
        let of = CompanyId::from_bytes(company);
        let taken = if look.crowded.contains(&of) {
            Taken::Passed
        } else {
            taking.judge(of, 0)
        };
        match taken {
            Taken::Full => {
                taking.pass(of);
                taking.end(lane, last, false);
                return Ok(());
            }
            Taken::Passed => taking.pass(of),
            Taken::Yes => {
                if let Some(due) = due_at(conn, row.get(0)?)?
                    && !look.skip.contains(&due.id)
                {
                    taking.take(due);
                }
            }
        }
        last = Some((row.get(1)?, company));
        seen += 1;
    }
    taking.end(lane, last, seen < Store::LOOK_AHEAD);
    Ok(())
}

fn due_at(conn: &Connection, seq: i64) -> Result<Option<Due>, StoreError> {
    let row = conn
        .prepare_cached(ONE)?
        .query_row([seq], due_row)
        .optional()?;
    row.map(Due::try_from).transpose()
}

pub(in super::super) async fn backlog(
    db: &Sqlite,
    integration: IntegrationId,
) -> Result<Backlog, StoreError> {
    let id = integration.to_bytes();
    let most = i64::try_from(Store::MOST_BACKLOG).unwrap_or(i64::MAX);
    db.read(move |conn| {
        let count: Option<i64> = one(conn, COUNT, (id, most), |row| row.get(0))?;
        let mut oldest: Option<i64> = None;
        // Retries are due later than they were made.
        for lane in [0, 1] {
            let due: Option<Option<i64>> = one(conn, OLDEST, (id, lane), |row| row.get(0))?;
            oldest = [oldest, due.flatten()].into_iter().flatten().min();
        }
        Ok(Backlog {
            count: usize::try_from(count.unwrap_or(0)).unwrap_or(0),
            oldest: oldest.map(Timestamp::from_micros),
        })
    })
    .await
}

pub(in super::super) async fn made_later(
    db: &Sqlite,
    integration: IntegrationId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DeliveryId>, StoreError> {
    let params = (
        integration.to_bytes(),
        DeliveryId::last_of(now).to_bytes(),
        now.micros(),
        i64::try_from(limit).unwrap_or(i64::MAX),
    );
    db.read(move |conn| {
        all(conn, MADE_LATER, params, |row| {
            Ok(DeliveryId::from_bytes(row.get(0)?))
        })
    })
    .await
}

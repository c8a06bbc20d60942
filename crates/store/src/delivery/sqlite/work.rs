//! The work of an owner: what is due, and what became of it.

use std::collections::{HashMap, HashSet};

use delivery::{DeadReason, Gate};
use domain::event::Event;
use domain::{DeliveryId, IntegrationId, Timestamp};
use rusqlite::{Connection, Row};

use super::super::row::{DueRow, PreparedSettlement, StateRow, held, mix};
use super::super::{Due, DuePage, PreparedAttempt, Settling};
use super::state;
use crate::codec::{of_json, to_json};
use crate::event::sqlite_events_of;
use crate::lease::sqlite_holds;
use crate::sqlite::{Care, Sqlite, all, one, run};
use crate::{FrozenAlert, Lease, StoreError};

const LANES: [i16; 3] = [0, 1, 2];
/// The first row beyond what is due tells when that will be.
const DUE: &str = "SELECT id, company, critical, event, replay_of, created_at, body, headers, hash, \
     status, attempts, due_at, not_before, parked_since, reason FROM delivery INDEXED BY delivery_due \
     WHERE integration = ?1 AND lane = ?2 AND status = 'pending' ORDER BY due_at LIMIT ?3";
const WAITING: &str = "SELECT id, due_at FROM delivery INDEXED BY delivery_due \
     WHERE integration = ?1 AND lane = ?2 AND due_at > ?3 AND status = 'pending' AND attempts > 0 \
     ORDER BY due_at LIMIT ?4";
const CLOSE: &str = "UPDATE delivery SET group_key = NULL \
     WHERE id = ?1 AND integration = ?2 AND status = 'pending' AND hash IS NULL RETURNING event";
const JOINED: &str = "SELECT j.event FROM delivery_event j JOIN event e ON e.id = j.event \
     WHERE j.delivery = ?1 ORDER BY e.seq";
const GIVE_UP_PARKED: &str = "UPDATE delivery SET status = 'dead', reason = ?3, group_key = NULL WHERE id IN \
     (SELECT d.id FROM owner o JOIN delivery d ON d.integration = o.integration \
     WHERE (NOT o.enabled OR o.held) AND d.status = 'pending' AND d.due_at < ?1 LIMIT ?2)";
const SEAL: &str = "UPDATE delivery SET hash = ?3, headers = ?4, body = ?5, group_key = NULL \
     WHERE id = ?1 AND integration = ?2 AND status = 'pending' AND hash IS NULL";
/// What was given up while an attempt was in flight stays dead, unless that attempt brought it there.
const SETTLE: &str = "UPDATE delivery SET lane = CASE WHEN critical THEN 0 WHEN ?4 > 0 THEN 2 ELSE 1 END, \
     status = CASE WHEN status = 'pending' OR ?3 = 'delivered' THEN ?3 ELSE status END, \
     reason = CASE WHEN status = 'pending' OR ?3 = 'delivered' THEN ?8 ELSE reason END, \
     attempts = ?4, due_at = ?5, not_before = ?6, parked_since = ?7, cause = ?9, \
     group_key = CASE WHEN ?3 = 'pending' THEN group_key END WHERE id = ?1 AND integration = ?2 \
     AND (status = 'pending' OR status = 'dead' AND reason IN ('cancelled', 'held_too_long'))";
const INSERT_ATTEMPT: &str = "INSERT INTO attempt (delivery, number, id, started_at, duration, outcome, cause, \
     detail, status_code, address, timings, request_headers, response_headers, response_body) \
     VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM attempt WHERE delivery = ?1), \
     ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const SAVE_GATE: &str = "UPDATE owner SET gate = ?2, held = ?3 \
     WHERE integration = ?1 AND (?4 OR gate NOT LIKE '{\"opened\"%')";
const PULL: &str = "UPDATE delivery SET due_at = max(?3, coalesce(not_before, ?3)) \
     WHERE id = ?1 AND integration = ?2 AND status = 'pending' AND due_at > max(?3, coalesce(not_before, ?3))";
const CLAMP: &str = "UPDATE delivery SET due_at = ?2, not_before = min(not_before, ?2) WHERE integration = ?1 AND status = 'pending' AND due_at > ?2";
const STILL_PENDING: &str = "SELECT 1 FROM delivery WHERE id = ?1 AND status = 'pending'";
const GATE: &str = "SELECT gate FROM owner WHERE integration = ?1";

pub(in super::super) async fn due(
    db: &Sqlite,
    integration: IntegrationId,
    now: Timestamp,
    limit: usize,
    skip: &HashSet<DeliveryId>,
) -> Result<DuePage, StoreError> {
    // Those to skip are among the rows read, so as many more are asked for.
    let (skip, rows) = (
        skip.clone(),
        limit.saturating_add(skip.len()).saturating_add(1),
    );
    db.read(move |conn| {
        let mut lanes: [Vec<Due>; 3] = Default::default();
        let mut later: Option<Timestamp> = None;
        for (lane, found) in LANES.iter().zip(&mut lanes) {
            let next = lane_due(conn, integration, *lane, now, rows, &skip, found)?;
            later = [later, next].into_iter().flatten().min();
        }
        Ok(mix(lanes, limit, later))
    })
    .await
}

/// Reads what is due of a lane, in the order of due times; answers when the first beyond it is due, where it came to one.
fn lane_due(
    conn: &Connection,
    integration: IntegrationId,
    lane: i16,
    now: Timestamp,
    rows: usize,
    skip: &HashSet<DeliveryId>,
    found: &mut Vec<Due>,
) -> Result<Option<Timestamp>, StoreError> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(DUE)?;
    let mut rows = statement.query((integration.to_bytes(), lane, rows))?;
    while let Some(row) = rows.next()? {
        let due_at = Timestamp::from_micros(row.get(11)?);
        if due_at > now {
            return Ok(Some(due_at));
        }
        let due = Due::try_from(due_row(row)?)?;
        if !skip.contains(&due.id) {
            found.push(due);
        }
    }
    Ok(None)
}

pub(super) fn due_row(row: &Row<'_>) -> rusqlite::Result<DueRow> {
    Ok(DueRow {
        id: row.get(0)?,
        company: row.get(1)?,
        critical: row.get(2)?,
        event: row.get(3)?,
        replay_of: row.get(4)?,
        created_at: row.get(5)?,
        body: row.get(6)?,
        headers: row.get(7)?,
        hash: row.get(8)?,
        state: state(row, 9)?,
    })
}

/// Those that have not ended.
pub(in super::super) async fn still_pending(
    db: &Sqlite,
    ids: &[DeliveryId],
) -> Result<HashSet<DeliveryId>, StoreError> {
    let ids = ids.to_vec();
    db.read(move |conn| {
        let mut pending = HashSet::with_capacity(ids.len());
        for id in ids {
            let found: Option<i64> = one(conn, STILL_PENDING, [id.to_bytes()], |row| row.get(0))?;
            if found.is_some() {
                pending.insert(id);
            }
        }
        Ok(pending)
    })
    .await
}

pub(in super::super) async fn waiting(
    db: &Sqlite,
    integration: IntegrationId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(DeliveryId, Timestamp)>, StoreError> {
    db.read(move |conn| {
        let mut found = Vec::new();
        for lane in [0, 2] {
            let params = (
                integration.to_bytes(),
                lane,
                now.micros(),
                i64::try_from(limit).unwrap_or(i64::MAX),
            );
            found.extend(all(conn, WAITING, params, |row| {
                Ok((
                    DeliveryId::from_bytes(row.get(0)?),
                    Timestamp::from_micros(row.get(1)?),
                ))
            })?);
        }
        found.sort_unstable_by_key(|(id, due_at)| (*due_at, *id));
        found.truncate(limit);
        Ok(found)
    })
    .await
}

pub(in super::super) async fn close_groups(
    db: &Sqlite,
    lease: &Lease,
    ids: &[DeliveryId],
) -> Result<Vec<(DeliveryId, Vec<Event>)>, StoreError> {
    let (lease, ids) = (*lease, ids.to_vec());
    db.write(Care::Guarded, move |conn| {
        if !sqlite_holds(conn, &lease)? {
            return Ok(Vec::new());
        }
        let mut closed = Vec::with_capacity(ids.len());
        for id in &ids {
            let first: Option<[u8; 16]> = one(
                conn,
                CLOSE,
                (id.to_bytes(), lease.integration.to_bytes()),
                |row| row.get(0),
            )?;
            if let Some(first) = first {
                let mut events = vec![first];
                events.extend(all(conn, JOINED, [id.to_bytes()], |row| {
                    row.get::<_, [u8; 16]>(0)
                })?);
                closed.push((*id, sqlite_events_of(conn, &events)?));
            }
        }
        Ok(closed)
    })
    .await
}

pub(in super::super) async fn seal(
    db: &Sqlite,
    lease: &Lease,
    sealed: Vec<(DeliveryId, FrozenAlert)>,
) -> Result<Option<HashSet<DeliveryId>>, StoreError> {
    let lease = *lease;
    let sealed: Vec<_> = sealed
        .into_iter()
        .map(|(id, alert)| (id, alert.hash, to_json(&alert.headers), alert.body))
        .collect();
    db.write(Care::Guarded, move |conn| {
        if !sqlite_holds(conn, &lease)? {
            return Ok(None);
        }
        let mut written = HashSet::with_capacity(sealed.len());
        for (id, hash, headers, body) in &sealed {
            let integration = lease.integration.to_bytes();
            let row = (id.to_bytes(), integration, hash, headers, body);
            if run(conn, SEAL, row)? > 0 {
                written.insert(*id);
            }
        }
        Ok(Some(written))
    })
    .await
}

pub(in super::super) async fn settle_all(
    db: &Sqlite,
    batches: Vec<Settling>,
) -> Result<Vec<bool>, StoreError> {
    let gates: Vec<_> = batches
        .iter()
        .map(|settling| {
            let gate = settling.gate.as_ref()?;
            Some((to_json(gate), held(gate)))
        })
        .collect();
    db.write(Care::Hot, move |conn| {
        batches
            .iter()
            .zip(&gates)
            .map(|(settling, gate)| settle(conn, settling, gate.as_ref()))
            .collect()
    })
    .await
}

fn settle(
    conn: &Connection,
    settling: &Settling,
    gate: Option<&(String, bool)>,
) -> Result<bool, StoreError> {
    let lease = &settling.lease;
    if !sqlite_holds(conn, lease)? {
        return Ok(false);
    }
    for settlement in settling.batch.iter() {
        settle_one(conn, lease, settlement)?;
    }
    if let Some((gate, held)) = gate {
        let row = (lease.integration.to_bytes(), gate, held, settling.heard);
        run(conn, SAVE_GATE, row)?;
    }
    Ok(true)
}

fn settle_one(
    conn: &Connection,
    lease: &Lease,
    settlement: &PreparedSettlement,
) -> Result<(), StoreError> {
    let PreparedSettlement {
        delivery,
        state,
        cause,
        attempt,
    } = settlement;
    let StateRow {
        status,
        attempts,
        due_at,
        not_before,
        parked_since,
        reason,
    } = state;
    let integration = lease.integration.to_bytes();
    run(
        conn,
        SETTLE,
        (
            delivery,
            integration,
            status,
            attempts,
            due_at,
            not_before,
            parked_since,
            reason,
            cause,
        ),
    )?;
    match attempt {
        Some(attempt) => insert_attempt(conn, delivery, attempt),
        None => Ok(()),
    }
}

fn insert_attempt(
    conn: &Connection,
    delivery: &[u8; 16],
    attempt: &PreparedAttempt,
) -> Result<(), StoreError> {
    run(
        conn,
        INSERT_ATTEMPT,
        (
            delivery,
            attempt.id,
            attempt.started_at,
            attempt.duration,
            &attempt.outcome,
            &attempt.cause,
            &attempt.detail,
            attempt.status_code,
            &attempt.address,
            &attempt.timings,
            &attempt.request_headers,
            &attempt.response_headers,
            &attempt.response_body,
        ),
    )
    .map(drop)
}

pub(in super::super) async fn pull_forward(
    db: &Sqlite,
    lease: &Lease,
    due: Vec<(DeliveryId, Timestamp)>,
) -> Result<bool, StoreError> {
    let lease = *lease;
    db.write(Care::Guarded, move |conn| {
        if !sqlite_holds(conn, &lease)? {
            return Ok(false);
        }
        for (id, to) in &due {
            run(
                conn,
                PULL,
                (id.to_bytes(), lease.integration.to_bytes(), to.micros()),
            )?;
        }
        Ok(true)
    })
    .await
}

pub(in super::super) async fn clamp_due(
    db: &Sqlite,
    lease: &Lease,
    latest: Timestamp,
) -> Result<usize, StoreError> {
    let lease = *lease;
    db.write(Care::Guarded, move |conn| {
        if !sqlite_holds(conn, &lease)? {
            return Ok(0);
        }
        run(conn, CLAMP, (lease.integration.to_bytes(), latest.micros()))
    })
    .await
}

pub(in super::super) async fn give_up_parked(
    db: &Sqlite,
    before: Timestamp,
    limit: i64,
) -> Result<usize, StoreError> {
    let row = (before.micros(), limit, DeadReason::HeldTooLong.as_str());
    db.write(Care::Guarded, move |conn| run(conn, GIVE_UP_PARKED, row))
        .await
}

pub(in super::super) async fn gate(
    db: &Sqlite,
    integration: IntegrationId,
) -> Result<Gate, StoreError> {
    let id = integration.to_bytes();
    let gate: Option<String> = db
        .read(move |conn| one(conn, GATE, [id], |row| row.get(0)))
        .await?;
    gate.map_or_else(|| Ok(Gate::default()), |gate| of_json("owner", &id, &gate))
}

pub(in super::super) async fn gates(
    db: &Sqlite,
) -> Result<HashMap<IntegrationId, Gate>, StoreError> {
    let rows = db
        .read(|conn| {
            all(conn, "SELECT integration, gate FROM owner", [], |row| {
                Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, String>(1)?))
            })
        })
        .await?;
    rows.into_iter()
        .map(|(id, gate)| Ok((IntegrationId::from_bytes(id), of_json("owner", &id, &gate)?)))
        .collect()
}

//! The work of an owner: what is due, and what became of it.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Client;
use delivery::{DeadReason, Gate};
use domain::event::Event;
use domain::{DeliveryId, IntegrationId, Timestamp};
use tokio_postgres::Row;

use super::super::row::{DueRow, mix};
use super::super::{Due, DuePage};
use super::state;
use crate::codec::{fixed, of_json, to_json};
use crate::event::postgres_events_of;
use crate::lease::postgres_holds;
use crate::postgres::{Failure, Postgres, Work, all, one, retried, run};
use crate::{FrozenAlert, Lease, StoreError};

const LANES: [i16; 3] = [0, 1, 2];
const DUE: &str = "SELECT id, company, critical, event, replay_of, created_at, body, headers, hash, \
     status, attempts, due_at, not_before, parked_since, reason FROM delivery \
     WHERE integration = $1 AND lane = $2 AND due_at <= $3 AND status = 'pending' AND id <> ALL($4::bytea[]) \
     ORDER BY due_at LIMIT $5";
const NEXT_DUE: &str = "SELECT min(d.due_at) FROM unnest(ARRAY[0, 1, 2]::smallint[]) AS l (lane) \
     CROSS JOIN LATERAL (SELECT due_at FROM delivery WHERE integration = $1 AND lane = l.lane AND due_at > $2 \
     AND status = 'pending' ORDER BY due_at LIMIT 1) d";
const WAITING: &str = "SELECT d.id, d.due_at FROM unnest(ARRAY[0, 2]::smallint[]) AS l (lane) \
     CROSS JOIN LATERAL (SELECT id, due_at FROM delivery WHERE integration = $1 AND lane = l.lane AND due_at > $2 \
     AND status = 'pending' AND attempts > 0 ORDER BY due_at LIMIT $3) d ORDER BY d.due_at, d.id LIMIT $3";
/// Accepts lock open groups in the order of their keys, so this does too.
const CLOSE: &str = "UPDATE delivery d SET group_key = NULL FROM (SELECT id FROM delivery \
     WHERE id = ANY($1::bytea[]) AND integration = $2 AND status = 'pending' AND hash IS NULL \
     ORDER BY group_key COLLATE \"C\" FOR UPDATE) mine WHERE d.id = mine.id RETURNING d.id, d.event";
const JOINED: &str = "SELECT j.delivery, j.event FROM delivery_event j JOIN event e ON e.id = j.event \
     WHERE j.delivery = ANY($1::bytea[]) ORDER BY e.seq";
const GIVE_UP_PARKED: &str = "UPDATE delivery SET status = 'dead', reason = $3, group_key = NULL WHERE id IN \
     (SELECT d.id FROM owner o JOIN delivery d ON d.integration = o.integration \
     WHERE (NOT o.enabled OR o.held) AND d.status = 'pending' AND d.due_at < $1 LIMIT $2)";
const SEAL: &str = "UPDATE delivery d SET hash = new.hash, headers = new.headers, body = new.body, group_key = NULL \
     FROM unnest($1::bytea[], $3::bytea[], $4::text[], $5::bytea[]) AS new (id, hash, headers, body) \
     WHERE d.id = new.id AND d.integration = $2 AND d.status = 'pending' AND d.hash IS NULL RETURNING d.id";
const PULL: &str = "UPDATE delivery d SET due_at = greatest(new.due_at, d.not_before) \
     FROM unnest($1::bytea[], $3::bigint[]) AS new (id, due_at) WHERE d.id = new.id AND d.integration = $2 \
     AND d.status = 'pending' AND d.due_at > greatest(new.due_at, d.not_before)";
const CLAMP: &str = "UPDATE delivery SET due_at = $2, not_before = CASE WHEN not_before > $2 THEN $2 ELSE not_before END \
     WHERE integration = $1 AND status = 'pending' AND due_at > $2";
/// As in settling, the status is asked for in a way that no index answers.
const STILL_PENDING: &str =
    "SELECT id FROM delivery WHERE id = ANY($1::bytea[]) AND status || '' = 'pending'";
const GATE: &str = "SELECT gate FROM owner WHERE integration = $1";
const GATES: &str = "SELECT integration, gate FROM owner";

pub(in super::super) async fn due(
    db: &Postgres,
    integration: IntegrationId,
    now: Timestamp,
    limit: usize,
    skip: &HashSet<DeliveryId>,
) -> Result<DuePage, StoreError> {
    let (integration, now) = (integration.to_bytes().to_vec(), now.micros());
    let skip: Vec<Vec<u8>> = skip.iter().map(|id| id.to_bytes().to_vec()).collect();
    let rows = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let client = db.client().await?;
    let lane = |lane: usize| lane_due(&client, &integration, LANES[lane], now, &skip, rows);
    let later = async {
        one(&client, NEXT_DUE, &[&integration, &now], |row| {
            row.try_get::<_, Option<i64>>(0)
        })
        .await
    };
    let (critical, first, again, later) = tokio::try_join!(lane(0), lane(1), lane(2), later)?;
    Ok(mix(
        [critical, first, again],
        limit,
        later.flatten().map(Timestamp::from_micros),
    ))
}

async fn lane_due(
    client: &Client,
    integration: &Vec<u8>,
    lane: i16,
    now: i64,
    skip: &Vec<Vec<u8>>,
    rows: i64,
) -> Result<Vec<Due>, Failure> {
    let rows = all(
        client,
        DUE,
        &[integration, &lane, &now, skip, &rows],
        due_row,
    )
    .await?;
    Ok(rows
        .into_iter()
        .map(Due::try_from)
        .collect::<Result<_, _>>()?)
}

pub(super) fn due_row(row: &Row) -> Result<DueRow, tokio_postgres::Error> {
    Ok(DueRow {
        id: row.try_get(0)?,
        company: row.try_get(1)?,
        critical: row.try_get(2)?,
        event: row.try_get(3)?,
        replay_of: row.try_get(4)?,
        created_at: row.try_get(5)?,
        body: row.try_get(6)?,
        headers: row.try_get(7)?,
        hash: row.try_get(8)?,
        state: state(row, 9)?,
    })
}

/// Those that have not ended.
pub(in super::super) async fn still_pending(
    db: &Postgres,
    ids: &[DeliveryId],
) -> Result<HashSet<DeliveryId>, StoreError> {
    let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.to_bytes().to_vec()).collect();
    let pending = all(&db.client().await?, STILL_PENDING, &[&ids], |row| {
        row.try_get::<_, Vec<u8>>(0)
    })
    .await?;
    pending.iter().map(|id| delivery_id(id)).collect()
}

pub(in super::super) async fn waiting(
    db: &Postgres,
    integration: IntegrationId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(DeliveryId, Timestamp)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let integration = integration.to_bytes().to_vec();
    let rows = all(
        &db.client().await?,
        WAITING,
        &[&integration, &now.micros(), &limit],
        |row| Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, i64>(1)?)),
    )
    .await?;
    rows.into_iter()
        .map(|(id, due_at)| Ok((delivery_id(&id)?, Timestamp::from_micros(due_at))))
        .collect()
}

fn delivery_id(id: &[u8]) -> Result<DeliveryId, StoreError> {
    Ok(DeliveryId::from_bytes(fixed("delivery", id, id)?))
}

/// Runs what an owner writes while nobody can take its lease; none when somebody has taken it already.
macro_rules! under_lease {
    ($db:expr, $lease:expr, |$work:ident| $write:expr) => {
        retried!(async {
            let $work = $db.begin().await?;
            let outcome = match postgres_holds(&$work, $lease).await {
                Ok(true) => $write.await.map(Some),
                Ok(false) => Ok(None),
                Err(failure) => Err(failure),
            };
            match outcome {
                Ok(Some(value)) => $work.commit().await.map(|()| Some(value)),
                Ok(None) => $work.undo().await.map(|()| None),
                Err(failure) => $work.undo().await.and(Err(failure)),
            }
        })
    };
}

pub(in super::super) async fn close_groups(
    db: &Postgres,
    lease: &Lease,
    ids: &[DeliveryId],
) -> Result<Vec<(DeliveryId, Vec<Event>)>, StoreError> {
    let closed = under_lease!(db, lease, |work| close(&work, lease, ids))?;
    Ok(closed.unwrap_or_default())
}

async fn close(
    work: &Work,
    lease: &Lease,
    ids: &[DeliveryId],
) -> Result<Vec<(DeliveryId, Vec<Event>)>, Failure> {
    let asked: Vec<Vec<u8>> = ids.iter().map(|id| id.to_bytes().to_vec()).collect();
    let pair = |row: &Row| Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, Vec<u8>>(1)?));
    let firsts = all(
        work,
        CLOSE,
        &[&asked, &lease.integration.to_bytes().to_vec()],
        pair,
    )
    .await?;
    let joined = all(work, JOINED, &[&asked], pair).await?;
    let mut events: HashMap<Vec<u8>, Vec<[u8; 16]>> = HashMap::new();
    for (delivery, event) in firsts.into_iter() {
        events.insert(delivery, vec![fixed("event", &event, &event)?]);
    }
    for (delivery, event) in joined {
        if let Some(events) = events.get_mut(&delivery) {
            events.push(fixed("event", &event, &event)?);
        }
    }
    let mut closed = Vec::with_capacity(events.len());
    for id in ids {
        if let Some(events) = events.get(&id.to_bytes()[..]) {
            closed.push((*id, postgres_events_of(work, events).await?));
        }
    }
    Ok(closed)
}

pub(in super::super) async fn seal(
    db: &Postgres,
    lease: &Lease,
    sealed: Vec<(DeliveryId, FrozenAlert)>,
) -> Result<Option<HashSet<DeliveryId>>, StoreError> {
    let ids: Vec<Vec<u8>> = sealed
        .iter()
        .map(|(id, _)| id.to_bytes().to_vec())
        .collect();
    let hashes: Vec<&[u8]> = sealed.iter().map(|(_, alert)| &alert.hash[..]).collect();
    let headers: Vec<String> = sealed
        .iter()
        .map(|(_, alert)| to_json(&alert.headers))
        .collect();
    let bodies: Vec<&[u8]> = sealed
        .iter()
        .map(|(_, alert)| alert.body.as_slice())
        .collect();
    let integration = lease.integration.to_bytes().to_vec();
    let written = under_lease!(db, lease, |work| all(
        &work,
        SEAL,
        &[&ids, &integration, &hashes, &headers, &bodies],
        |row| row.try_get::<_, Vec<u8>>(0)
    ))?;
    let read = |ids: Vec<Vec<u8>>| ids.iter().map(|id| delivery_id(id)).collect();
    written.map(read).transpose()
}

pub(in super::super) async fn pull_forward(
    db: &Postgres,
    lease: &Lease,
    due: Vec<(DeliveryId, Timestamp)>,
) -> Result<bool, StoreError> {
    let (ids, times): (Vec<Vec<u8>>, Vec<i64>) = due
        .iter()
        .map(|(id, to)| (id.to_bytes().to_vec(), to.micros()))
        .unzip();
    let integration = lease.integration.to_bytes().to_vec();
    let done = under_lease!(db, lease, |work| run(
        &work,
        PULL,
        &[&ids, &integration, &times]
    ))?;
    Ok(done.is_some())
}

pub(in super::super) async fn clamp_due(
    db: &Postgres,
    lease: &Lease,
    latest: Timestamp,
) -> Result<usize, StoreError> {
    let (integration, latest) = (lease.integration.to_bytes().to_vec(), latest.micros());
    let done = under_lease!(db, lease, |work| run(
        &work,
        CLAMP,
        &[&integration, &latest]
    ))?;
    Ok(usize::try_from(done.unwrap_or(0)).unwrap_or(usize::MAX))
}

pub(in super::super) async fn give_up_parked(
    db: &Postgres,
    before: Timestamp,
    limit: i64,
) -> Result<usize, StoreError> {
    let (before, reason) = (before.micros(), DeadReason::HeldTooLong.as_str());
    let done = run(
        &db.client().await?,
        GIVE_UP_PARKED,
        &[&before, &limit, &reason],
    )
    .await?;
    Ok(usize::try_from(done).unwrap_or(usize::MAX))
}

pub(in super::super) async fn gate(
    db: &Postgres,
    integration: IntegrationId,
) -> Result<Gate, StoreError> {
    let id = integration.to_bytes().to_vec();
    let gate: Option<String> = one(&db.client().await?, GATE, &[&id], |row| row.try_get(0)).await?;
    gate.map_or_else(|| Ok(Gate::default()), |gate| of_json("owner", &id, &gate))
}

pub(in super::super) async fn gates(
    db: &Postgres,
) -> Result<HashMap<IntegrationId, Gate>, StoreError> {
    let rows = all(&db.client().await?, GATES, &[], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, String>(1)?))
    })
    .await?;
    let read = |(id, gate): (Vec<u8>, String)| {
        Ok((
            IntegrationId::from_bytes(fixed("owner", &id, &id)?),
            of_json("owner", &id, &gate)?,
        ))
    };
    rows.into_iter().map(read).collect()
}

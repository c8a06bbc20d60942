//! The work of an owner: what is due, and what became of it.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Client;
use delivery::{DeadReason, Gate};
use domain::event::Event;
use domain::{DeliveryId, IntegrationId, Timestamp};
use tokio_postgres::Row;

use super::super::row::{DueRow, PreparedSettlement, StateRow, held, mix};
use super::super::{Due, DuePage, PreparedAttempt};
use super::state;
use crate::codec::{fixed, of_json, to_json};
use crate::event::postgres_events_of;
use crate::lease::postgres_holds;
use crate::postgres::{Failure, Postgres, Work, all, one, retried, run, sound};
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
     WHERE d.id = new.id AND d.integration = $2 AND d.status = 'pending' AND d.hash IS NULL";
const SETTLE: &str = "UPDATE delivery d SET lane = CASE WHEN d.critical THEN 0 WHEN new.attempts > 0 THEN 2 ELSE 1 END, \
     status = new.status, attempts = new.attempts, due_at = new.due_at, not_before = new.not_before, \
     parked_since = new.parked_since, reason = new.reason, cause = new.cause, \
     group_key = CASE WHEN new.status = 'pending' THEN d.group_key END \
     FROM unnest($1::bytea[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[]) \
     AS new (id, status, attempts, due_at, not_before, parked_since, reason, cause) \
     WHERE d.id = new.id AND d.integration = $2 AND d.status = 'pending'";
/// Numbers go on from the last attempt; the lease's lock keeps others from taking the same one.
const INSERT_ATTEMPTS: &str = "INSERT INTO attempt (delivery, number, id, started_at, duration, outcome, cause, detail, \
     status_code, address, timings, request_headers, response_headers, response_body) \
     SELECT delivery, (SELECT coalesce(max(a.number), 0) FROM attempt a WHERE a.delivery = new.delivery) \
     + row_number() OVER (PARTITION BY delivery ORDER BY place), id, started_at, duration, outcome, cause, detail, \
     status_code, address, timings, request_headers, response_headers, response_body \
     FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], \
     $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[]) WITH ORDINALITY \
     AS new (delivery, id, started_at, duration, outcome, cause, detail, status_code, address, timings, \
     request_headers, response_headers, response_body, place)";
const SAVE_GATE: &str = "UPDATE owner SET gate = $2, held = $3 WHERE integration = $1";
const PULL: &str = "UPDATE delivery d SET due_at = greatest(new.due_at, d.not_before) \
     FROM unnest($1::bytea[], $3::bigint[]) AS new (id, due_at) WHERE d.id = new.id AND d.integration = $2 \
     AND d.status = 'pending' AND d.due_at > greatest(new.due_at, d.not_before)";
const CLAMP: &str = "UPDATE delivery SET due_at = $2, not_before = CASE WHEN not_before > $2 THEN $2 ELSE not_before END \
     WHERE integration = $1 AND status = 'pending' AND due_at > $2";
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

fn due_row(row: &Row) -> Result<DueRow, tokio_postgres::Error> {
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
) -> Result<bool, StoreError> {
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
    let done = under_lease!(db, lease, |work| run(
        &work,
        SEAL,
        &[&ids, &integration, &hashes, &headers, &bodies]
    ))?;
    Ok(done.is_some())
}

pub(in super::super) async fn settle(
    db: &Postgres,
    lease: &Lease,
    batch: Vec<PreparedSettlement>,
    gate: Option<Gate>,
    _now: Timestamp,
) -> Result<bool, StoreError> {
    let gate = gate.map(|gate| (to_json(&gate), held(&gate)));
    let done = under_lease!(db, lease, |work| write_settlements(
        &work,
        lease,
        &batch,
        gate.as_ref()
    ))?;
    Ok(done.is_some())
}

async fn write_settlements(
    work: &Work,
    lease: &Lease,
    batch: &[PreparedSettlement],
    gate: Option<&(String, bool)>,
) -> Result<(), Failure> {
    let integration = lease.integration.to_bytes().to_vec();
    let states = async {
        if batch.is_empty() {
            Ok(0)
        } else {
            write_states(work, &integration, batch).await
        }
    };
    let attempts: Vec<_> = batch
        .iter()
        .filter_map(|settlement| Some((&settlement.delivery[..], settlement.attempt.as_ref()?)))
        .collect();
    let attempts = async {
        if attempts.is_empty() {
            Ok(0)
        } else {
            write_attempts(work, &attempts).await
        }
    };
    let gate = async {
        match gate {
            Some((gate, held)) => run(work, SAVE_GATE, &[&integration, gate, held]).await,
            None => Ok(0),
        }
    };
    // Sent one behind the other, not awaited one by one.
    tokio::try_join!(biased; states, attempts, gate)?;
    Ok(())
}

async fn write_states(
    work: &Work,
    integration: &Vec<u8>,
    batch: &[PreparedSettlement],
) -> Result<u64, Failure> {
    fn each<'a, T>(batch: &'a [PreparedSettlement], read: impl Fn(&'a StateRow) -> T) -> Vec<T> {
        batch
            .iter()
            .map(|settlement| read(&settlement.state))
            .collect()
    }
    let ids: Vec<&[u8]> = batch
        .iter()
        .map(|settlement| &settlement.delivery[..])
        .collect();
    let causes: Vec<_> = batch
        .iter()
        .map(|settlement| settlement.cause.as_deref().map(sound))
        .collect();
    let statuses = each(batch, |state| state.status.as_str());
    let attempts = each(batch, |state| state.attempts);
    let due = each(batch, |state| state.due_at);
    let not_before = each(batch, |state| state.not_before);
    let parked_since = each(batch, |state| state.parked_since);
    let reasons = each(batch, |state| state.reason.as_deref());
    run(
        work,
        SETTLE,
        &[
            &ids,
            integration,
            &statuses,
            &attempts,
            &due,
            &not_before,
            &parked_since,
            &reasons,
            &causes,
        ],
    )
    .await
}

async fn write_attempts(
    work: &Work,
    attempts: &[(&[u8], &PreparedAttempt)],
) -> Result<u64, Failure> {
    fn each<'a, T>(
        attempts: &[(&'a [u8], &'a PreparedAttempt)],
        read: impl Fn(&'a PreparedAttempt) -> T,
    ) -> Vec<T> {
        attempts.iter().map(|(_, attempt)| read(attempt)).collect()
    }
    let deliveries: Vec<&[u8]> = attempts.iter().map(|(delivery, _)| *delivery).collect();
    let ids = each(attempts, |attempt| &attempt.id[..]);
    let started = each(attempts, |attempt| attempt.started_at);
    let durations = each(attempts, |attempt| attempt.duration);
    let outcomes = each(attempts, |attempt| sound(&attempt.outcome));
    let causes = each(attempts, |attempt| attempt.cause.as_deref().map(sound));
    let details = each(attempts, |attempt| attempt.detail.as_deref().map(sound));
    let codes = each(attempts, |attempt| attempt.status_code);
    let addresses = each(attempts, |attempt| attempt.address.as_deref().map(sound));
    let timings = each(attempts, |attempt| attempt.timings.as_str());
    let requests = each(attempts, |attempt| attempt.request_headers.as_str());
    let responses = each(attempts, |attempt| attempt.response_headers.as_str());
    let bodies = each(attempts, |attempt| sound(&attempt.response_body));
    run(
        work,
        INSERT_ATTEMPTS,
        &[
            &deliveries,
            &ids,
            &started,
            &durations,
            &outcomes,
            &causes,
            &details,
            &codes,
            &addresses,
            &timings,
            &requests,
            &responses,
            &bodies,
        ],
    )
    .await
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

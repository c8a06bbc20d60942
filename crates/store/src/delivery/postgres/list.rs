//! Deliveries as they are shown, and sent again by hand.

use std::collections::HashMap;

use deadpool_postgres::Client;
use delivery::Status;
use domain::access::{Actor, Scope};
use domain::{DeliveryId, IntegrationId, Timestamp};
use serde_json::json;
use tokio_postgres::Row;

use super::super::attempt::{ATTEMPT_COLUMNS, AttemptRow};
use super::super::row::{ListRow, StateRow, lane, read_alert};
use super::super::{Attempt, DeliveryQuery, DeliveryRow, Retried, Standing};
use super::state;
use crate::audit::{NewAudit, write_postgres};
use crate::codec::fixed;
use crate::event::read_deliveries;
use crate::postgres::{
    CHANNEL, Clauses, Failure, Postgres, SEND_NEWS, Work, all, one, retried, run,
};
use crate::retention::lowest_id;
use crate::{FrozenAlert, PageAt, StoreError};

const COLUMNS: &str = "d.id, d.integration, d.rule, d.company, d.critical, d.cause, d.event, d.created_at, d.replay_of, \
     d.hash IS NOT NULL, coalesce(NOT o.enabled OR o.held, FALSE), e.subject, \
     CASE WHEN e.id IS NULL THEN d.body END, d.records, \
     d.status, d.attempts, d.due_at, d.not_before, d.parked_since, d.reason";
const OWNER: &str = "LEFT JOIN owner o ON o.integration = d.integration";
const JOINED: &str = "SELECT j.delivery, j.event FROM delivery_event j JOIN event e ON e.id = j.event \
     WHERE j.delivery = ANY($1::bytea[]) ORDER BY e.seq";

pub(in super::super) async fn delivery(
    db: &Postgres,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<DeliveryRow>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("d.id = ?", id.to_bytes().to_vec());
    clauses.scope("d.company", scope);
    let rows = select(&db.client().await?, &clauses, 1).await?;
    rows.into_iter()
        .next()
        .map(DeliveryRow::try_from)
        .transpose()
}

pub(in super::super) async fn deliveries(
    db: &Postgres,
    scope: &Scope,
    query: &DeliveryQuery,
    at: &PageAt,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let client = db.client().await?;
    let mut clauses = narrow(&client, scope, query).await?;
    clauses.and_some("d.id < ?", at.after_id()?.map(Vec::from));
    let rows = select(&client, &clauses, u32::from(at.limit()) + 1).await?;
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

pub(in super::super) async fn count_deliveries(
    db: &Postgres,
    scope: &Scope,
    query: &DeliveryQuery,
    most: u32,
) -> Result<u32, StoreError> {
    let client = db.client().await?;
    let clauses = narrow(&client, scope, query).await?;
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM delivery d {OWNER}{} LIMIT {most}) AS counted",
        clauses.sql()
    );
    let count: Option<i64> = one(&client, &sql, &clauses.values(), |row| row.try_get(0)).await?;
    Ok(u32::try_from(count.unwrap_or(0)).unwrap_or(most))
}

async fn narrow(
    client: &Client,
    scope: &Scope,
    query: &DeliveryQuery,
) -> Result<Clauses, StoreError> {
    let mut clauses = Clauses::default();
    clauses.scope("d.company", scope);
    match query.standing {
        None => {}
        Some(Standing::Delivered) => clauses.and_plain("d.status = 'delivered'"),
        Some(Standing::Dead) => clauses.and_plain("d.status = 'dead'"),
        Some(Standing::Pending) => {
            clauses.and_plain("d.status = 'pending' AND coalesce(o.enabled AND NOT o.held, TRUE)");
        }
        Some(Standing::Parked) => {
            clauses.and_plain("d.status = 'pending' AND (NOT o.enabled OR o.held)")
        }
    }
    clauses.and_some(
        "d.integration = ?",
        query.integration.map(|id| id.to_bytes().to_vec()),
    );
    clauses.and_some(
        "d.company = ?",
        query.company.map(|id| id.to_bytes().to_vec()),
    );
    clauses.and_text("d.cause = ?", query.cause.as_deref());
    // Ids tell the time of making, and the primary key is in their order.
    clauses.and_some(
        "d.id >= ?",
        query.since.map(|since| lowest_id(since).to_vec()),
    );
    clauses.and_some(
        "d.id < ?",
        query.until.map(|until| lowest_id(until).to_vec()),
    );
    if let Some(event) = query.event {
        let id = event.to_bytes();
        let column = deliveries_of(client, &id).await?;
        let carried = read_deliveries(&id, &column.unwrap_or_default())?;
        clauses.within(
            "d.id",
            carried.iter().map(|carried| carried.delivery.to_bytes()),
        );
    }
    Ok(clauses)
}

async fn deliveries_of(client: &Client, event: &[u8; 16]) -> Result<Option<Vec<u8>>, Failure> {
    one(
        client,
        "SELECT deliveries FROM event WHERE id = $1",
        &[&&event[..]],
        |row| row.try_get(0),
    )
    .await
}

async fn select(
    client: &Client,
    clauses: &Clauses,
    limit: u32,
) -> Result<Vec<ListRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery d {OWNER} LEFT JOIN event e ON e.id = d.event{} ORDER BY d.id DESC LIMIT {limit}",
        clauses.sql()
    );
    let mut rows = all(client, &sql, &clauses.values(), list_row).await?;
    let groups: Vec<&[u8]> = rows
        .iter()
        .filter(|(_, records)| *records > 0)
        .map(|(row, _)| &row.id[..])
        .collect();
    if !groups.is_empty() {
        let joined = all(client, JOINED, &[&groups], |row| {
            Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, Vec<u8>>(1)?))
        })
        .await?;
        let mut events: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        joined
            .into_iter()
            .for_each(|(delivery, event)| events.entry(delivery).or_default().extend(event));
        for (row, _) in &mut rows {
            row.joined = events.remove(&row.id).unwrap_or_default();
        }
    }
    Ok(rows.into_iter().map(|(row, _)| row).collect())
}

/// A row, and how many records its group has; 0 when it never was one.
fn list_row(row: &Row) -> Result<(ListRow, i32), tokio_postgres::Error> {
    let list = ListRow {
        id: row.try_get(0)?,
        integration: row.try_get(1)?,
        rule: row.try_get(2)?,
        company: row.try_get(3)?,
        critical: row.try_get(4)?,
        cause: row.try_get(5)?,
        event: row.try_get(6)?,
        created_at: row.try_get(7)?,
        replay_of: row.try_get(8)?,
        sealed: row.try_get(9)?,
        parked: row.try_get(10)?,
        subject: row.try_get(11)?,
        body: row.try_get(12)?,
        state: state(row, 14)?,
        joined: Vec::new(),
    };
    Ok((list, row.try_get(13)?))
}

pub(in super::super) async fn attempts(
    db: &Postgres,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Vec<Attempt>, StoreError> {
    let client = db.client().await?;
    if !is_visible(&client, scope, id).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE delivery = $1 ORDER BY number");
    let rows = all(&client, &sql, &[&&id.to_bytes()[..]], attempt_row).await?;
    rows.into_iter().map(Attempt::try_from).collect()
}

async fn is_visible(client: &Client, scope: &Scope, id: DeliveryId) -> Result<bool, Failure> {
    const COMPANY: &str = "SELECT company FROM delivery WHERE id = $1";
    let company: Option<Vec<u8>> = one(client, COMPANY, &[&&id.to_bytes()[..]], |row| {
        row.try_get(0)
    })
    .await?;
    let Some(company) = company else {
        return Ok(false);
    };
    let company = domain::CompanyId::from_bytes(fixed("delivery", &id.to_bytes(), &company)?);
    Ok(scope.admits(Some(company)))
}

fn attempt_row(row: &Row) -> Result<AttemptRow, tokio_postgres::Error> {
    Ok(AttemptRow {
        delivery: row.try_get(0)?,
        number: row.try_get(1)?,
        id: row.try_get(2)?,
        started_at: row.try_get(3)?,
        duration: row.try_get(4)?,
        outcome: row.try_get(5)?,
        cause: row.try_get(6)?,
        detail: row.try_get(7)?,
        status_code: row.try_get(8)?,
        address: row.try_get(9)?,
        timings: row.try_get(10)?,
        request_headers: row.try_get(11)?,
        response_headers: row.try_get(12)?,
        response_body: row.try_get(13)?,
    })
}

pub(in super::super) async fn alert(
    db: &Postgres,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<FrozenAlert>, StoreError> {
    const ALERT: &str = "SELECT body, headers, hash FROM delivery WHERE id = $1";
    let client = db.client().await?;
    if !is_visible(&client, scope, id).await? {
        return Ok(None);
    }
    let row = one(&client, ALERT, &[&&id.to_bytes()[..]], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })
    .await?;
    row.map_or(Ok(None), |(body, headers, hash)| {
        read_alert(&id.to_bytes(), body, headers, hash)
    })
}

pub(in super::super) async fn retry(
    db: &Postgres,
    scope: &Scope,
    id: DeliveryId,
    fresh: DeliveryId,
    now: Timestamp,
    actor: &Actor,
) -> Result<Retried, StoreError> {
    let (retried, rung) = retried!(retry_once(db, scope, id, fresh, now, actor))?;
    db.notices.bell().ring(rung);
    Ok(retried)
}

type Outcome = (Retried, Option<IntegrationId>);

async fn retry_once(
    db: &Postgres,
    scope: &Scope,
    id: DeliveryId,
    fresh: DeliveryId,
    now: Timestamp,
    actor: &Actor,
) -> Result<Outcome, Failure> {
    let work = db.begin().await?;
    match write(db, &work, scope, (id, fresh), now, actor).await {
        Ok(outcome) => {
            work.commit().await?;
            Ok(outcome)
        }
        Err(failure) => {
            work.undo().await?;
            Err(failure)
        }
    }
}

async fn write(
    db: &Postgres,
    work: &Work,
    scope: &Scope,
    (id, fresh): (DeliveryId, DeliveryId),
    now: Timestamp,
    actor: &Actor,
) -> Result<Outcome, Failure> {
    let Some(found) = retryable(work, scope, id).await? else {
        return Ok((Retried::NotFound, None));
    };
    let (retried, detail) = if found.state.status == Status::Delivered {
        replay(work, id, fresh, now).await?;
        (Retried::Replayed(fresh), json!({ "replay": fresh }))
    } else if found.is_open {
        return Ok((Retried::Grouping, None));
    } else {
        again(work, id, &found, now).await?;
        (Retried::Due(id), json!({}))
    };
    let epoch: Option<i64> =
        one(work, "SELECT number FROM epoch", &[], |row| row.try_get(0)).await?;
    let line = NewAudit::new(now, actor, "retry", "delivery", id.to_string(), &detail);
    write_postgres(work, &line, epoch.unwrap_or(0)).await?;
    let news = db.news().work_at([found.integration]);
    run(work, SEND_NEWS, &[&CHANNEL, &news.write()]).await?;
    Ok((retried, Some(found.integration)))
}

struct Retryable {
    integration: IntegrationId,
    critical: bool,
    is_open: bool,
    state: delivery::Delivery,
}

/// A delivery in the scope whose integration is still there; nobody else changes it until the transaction ends.
async fn retryable(
    work: &Work,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<Retryable>, Failure> {
    const FIND: &str = "SELECT d.integration, d.critical, d.group_key IS NOT NULL, d.status, d.attempts, d.due_at, \
         d.not_before, d.parked_since, d.reason FROM delivery d JOIN owner o ON o.integration = d.integration \
         WHERE d.id = $1 FOR UPDATE OF d";
    if !is_visible(work, scope, id).await? {
        return Ok(None);
    }
    let bytes = id.to_bytes();
    let row = one(work, FIND, &[&&bytes[..]], |row| {
        Ok((
            row.try_get::<_, Vec<u8>>(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            state(row, 3)?,
        ))
    })
    .await?;
    let Some((integration, critical, is_open, state)) = row else {
        return Ok(None);
    };
    let integration = IntegrationId::from_bytes(fixed("delivery", &bytes, &integration)?);
    Ok(Some(Retryable {
        integration,
        critical,
        is_open,
        state: state.read(&bytes)?,
    }))
}

/// Due now, under the same id.
async fn again(
    work: &Work,
    id: DeliveryId,
    found: &Retryable,
    now: Timestamp,
) -> Result<(), Failure> {
    const AGAIN: &str = "UPDATE delivery SET lane = $2, status = $3, attempts = $4, due_at = $5, not_before = $6, \
         parked_since = $7, reason = $8 WHERE id = $1";
    let mut state = found.state.clone();
    state.retry_by_hand(now);
    let StateRow {
        status,
        attempts,
        due_at,
        not_before,
        parked_since,
        reason,
    } = StateRow::new(&state);
    let (bytes, lane) = (id.to_bytes(), lane(found.critical, state.attempts));
    run(
        work,
        AGAIN,
        &[
            &&bytes[..],
            &lane,
            &status,
            &attempts,
            &due_at,
            &not_before,
            &parked_since,
            &reason,
        ],
    )
    .await
    .map(drop)
}

/// The same alert under a new id, named by the rows of its events.
async fn replay(
    work: &Work,
    id: DeliveryId,
    fresh: DeliveryId,
    now: Timestamp,
) -> Result<(), Failure> {
    const COPY: &str = "INSERT INTO delivery (id, integration, lane, status, attempts, due_at, critical, rule, company, \
         event, created_at, replay_of, records, bytes, hash, headers, body) \
         SELECT $2, integration, CASE WHEN critical THEN 0 ELSE 1 END, 'pending', 0, $3, critical, rule, company, \
         event, $3, id, records, bytes, hash, headers, body FROM delivery WHERE id = $1";
    const COPY_JOINED: &str = "INSERT INTO delivery_event SELECT $2::bytea, event FROM delivery_event WHERE delivery = $1";
    const NAME: &str = "UPDATE event e SET deliveries = e.deliveries || $2::bytea || d.integration || d.rule \
         FROM delivery d WHERE d.id = $1 AND (e.id = d.event \
         OR e.id IN (SELECT event FROM delivery_event WHERE delivery = $1))";
    let (id, fresh) = (id.to_bytes().to_vec(), fresh.to_bytes().to_vec());
    run(work, COPY, &[&id, &fresh, &now.micros()]).await?;
    run(work, COPY_JOINED, &[&id, &fresh]).await?;
    run(work, NAME, &[&id, &fresh]).await.map(drop)
}

//! Deliveries that are sent again: under their id, under a new one, or to another integration.

use delivery::Status;
use delivery::replay::Found;
use domain::access::{Actor, Scope};
use domain::{CompanyId, DeliveryId, IntegrationId, Timestamp};
use serde_json::json;

use super::super::row::{StateRow, lane};
use super::super::{Copied, Retried};
use super::list::is_visible;
use super::state;
use crate::StoreError;
use crate::audit::{NewAudit, write_postgres};
use crate::codec::fixed;
use crate::event::read_deliveries;
use crate::postgres::{CHANNEL, Failure, Postgres, SEND_NEWS, Work, all, one, retried, run};

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
    let outcome = write(db, &work, scope, (id, fresh), now, actor).await;
    work.end(outcome).await
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
        copy(work, id, &Copied::here(fresh, now)).await?;
        (Retried::Replayed(fresh), json!({ "replay": fresh }))
    } else if found.is_open {
        return Ok((Retried::Grouping, None));
    } else {
        again(work, id, &found, now, None).await?;
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

/// A delivery that may be sent again.
pub(crate) struct Retryable {
    pub(crate) integration: IntegrationId,
    pub(crate) company: CompanyId,
    critical: bool,
    is_open: bool,
    is_sealed: bool,
    state: delivery::Delivery,
}

impl Retryable {
    pub(crate) fn found(&self) -> Found {
        Found {
            status: self.state.status,
            is_open: self.is_open,
            is_sealed: self.is_sealed,
        }
    }
}

/// A delivery in the scope whose integration is still there; nobody else changes it until the transaction ends.
pub(crate) async fn retryable(
    work: &Work,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<Retryable>, Failure> {
    const FIND: &str = "SELECT d.integration, d.critical, d.group_key IS NOT NULL, d.status, d.attempts, d.due_at, \
         d.not_before, d.parked_since, d.reason, d.hash IS NOT NULL, d.company FROM delivery d JOIN owner o ON o.integration = d.integration \
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
            row.try_get(9)?,
            row.try_get::<_, Vec<u8>>(10)?,
        ))
    })
    .await?;
    let Some((integration, critical, is_open, state, is_sealed, company)) = row else {
        return Ok(None);
    };
    let integration = IntegrationId::from_bytes(fixed("delivery", &bytes, &integration)?);
    Ok(Some(Retryable {
        integration,
        company: CompanyId::from_bytes(fixed("delivery", &bytes, &company)?),
        critical,
        is_open,
        is_sealed,
        state: state.read(&bytes)?,
    }))
}

/// Due at this time, under the same id, in this lane or in that of a new one.
pub(crate) async fn again(
    work: &Work,
    id: DeliveryId,
    found: &Retryable,
    due_at: Timestamp,
    in_lane: Option<i16>,
) -> Result<(), Failure> {
    const AGAIN: &str = "UPDATE delivery SET lane = $2, status = $3, attempts = $4, due_at = $5, not_before = $6, \
         parked_since = $7, reason = $8 WHERE id = $1";
    let mut state = found.state.clone();
    state.retry_by_hand(due_at);
    let StateRow {
        status,
        attempts,
        due_at,
        not_before,
        parked_since,
        reason,
    } = StateRow::new(&state);
    let bytes = id.to_bytes();
    let lane = in_lane.unwrap_or_else(|| lane(found.critical, state.attempts));
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
pub(crate) async fn copy(work: &Work, id: DeliveryId, to: &Copied) -> Result<(), Failure> {
    const COPY: &str = "INSERT INTO delivery (id, integration, lane, status, attempts, due_at, critical, rule, company, \
         event, created_at, replay_of, records, bytes, hash, headers, body) \
         SELECT $2, coalesce($5::bytea, integration), coalesce($6::smallint, CASE WHEN critical THEN 0 ELSE 1 END), 'pending', 0, $3, critical, \
         rule, company, event, $4, id, records, bytes, hash, headers, body FROM delivery WHERE id = $1";
    const COPY_JOINED: &str = "INSERT INTO delivery_event SELECT $2::bytea, event FROM delivery_event WHERE delivery = $1";
    const NAME: &str = "UPDATE event e SET deliveries = e.deliveries || d.id || d.integration || d.rule \
         FROM delivery d WHERE d.id = $1 AND (e.id = d.event \
         OR e.id IN (SELECT event FROM delivery_event WHERE delivery = $1))";
    let (id, fresh) = (id.to_bytes().to_vec(), to.fresh.to_bytes().to_vec());
    let integration = to.integration.map(|id| id.to_bytes().to_vec());
    let (due_at, now) = (to.due_at.micros(), to.now.micros());
    run(
        work,
        COPY,
        &[&id, &fresh, &due_at, &now, &integration, &to.lane],
    )
    .await?;
    run(work, COPY_JOINED, &[&id, &fresh]).await?;
    run(work, NAME, &[&fresh]).await.map(drop)
}

/// Whether an integration has a delivery of an event of this delivery. An event that retention has taken cannot say where
/// it has been, so it counts as one that has. The events stay locked until the transaction ends.
pub(crate) async fn has_been_at(
    work: &Work,
    id: DeliveryId,
    integration: IntegrationId,
) -> Result<bool, Failure> {
    const CARRIERS: &str = "SELECT event FROM delivery WHERE id = $1 \
         UNION ALL SELECT event FROM delivery_event WHERE delivery = $1";
    const DELIVERIES: &str =
        "SELECT id, deliveries FROM event WHERE id = ANY($1::bytea[]) ORDER BY id FOR UPDATE";
    let carriers = all(work, CARRIERS, &[&&id.to_bytes()[..]], |row| {
        row.try_get::<_, Vec<u8>>(0)
    })
    .await?;
    let events = all(work, DELIVERIES, &[&carriers], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, Vec<u8>>(1)?))
    })
    .await?;
    if events.len() < carriers.len() {
        return Ok(true);
    }
    for (event, column) in &events {
        let deliveries = read_deliveries(event, column)?;
        if deliveries
            .iter()
            .any(|carried| carried.integration == integration)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

//! Deliveries that are sent again: under their id, under a new one, or to another integration.

use delivery::Status;
use delivery::replay::Found;
use domain::access::{Actor, Scope};
use domain::{CompanyId, DeliveryId, IntegrationId, Timestamp};
use rusqlite::Connection;
use serde_json::json;

use super::super::row::{StateRow, lane};
use super::super::{Copied, Retried};
use super::list::is_visible;
use super::state;
use crate::StoreError;
use crate::audit::{NewAudit, write_sqlite};
use crate::event::read_deliveries;
use crate::sqlite::{Care, Sqlite, all, one, run};

pub(in super::super) async fn retry(
    db: &Sqlite,
    scope: &Scope,
    id: DeliveryId,
    fresh: DeliveryId,
    now: Timestamp,
    actor: &Actor,
) -> Result<Retried, StoreError> {
    let (scope, actor, notices) = (
        scope.clone(),
        actor.clone(),
        std::sync::Arc::clone(&db.notices),
    );
    let work = move |conn: &Connection| {
        let Some(found) = retryable(conn, &scope, id)? else {
            return Ok((Retried::NotFound, None));
        };
        let retried = if found.state.status == Status::Delivered {
            copy(conn, id, &Copied::here(fresh, now))?;
            Retried::Replayed(fresh)
        } else if found.is_open {
            return Ok((Retried::Grouping, None));
        } else {
            again(conn, id, &found, now, None)?;
            Retried::Due(id)
        };
        let detail = match retried {
            Retried::Replayed(fresh) => json!({ "replay": fresh }),
            _ => json!({}),
        };
        let epoch: Option<i64> = one(conn, "SELECT number FROM epoch", [], |row| row.get(0))?;
        let line = NewAudit::new(now, &actor, "retry", "delivery", id.to_string(), &detail);
        write_sqlite(conn, &line, epoch.unwrap_or(0))?;
        Ok((retried, Some(IntegrationId::from_bytes(found.integration))))
    };
    let after = move |(_, rung): &(Retried, Option<_>)| notices.bell().ring(*rung);
    db.write_then(Care::Guarded, work, after)
        .await
        .map(|(retried, _)| retried)
}

/// A delivery that may be sent again.
pub(crate) struct Retryable {
    pub(crate) integration: [u8; 16],
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

/// A delivery in the scope whose integration is still there.
pub(crate) fn retryable(
    conn: &Connection,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<Retryable>, StoreError> {
    const FIND: &str = "SELECT d.integration, d.critical, d.group_key IS NOT NULL, d.status, d.attempts, d.due_at, \
         d.not_before, d.parked_since, d.reason, d.hash IS NOT NULL, d.company FROM delivery d JOIN owner o ON o.integration = d.integration \
         WHERE d.id = ?1";
    if !is_visible(conn, scope, id)? {
        return Ok(None);
    }
    let row = one(conn, FIND, [id.to_bytes()], |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            state(row, 3)?,
            row.get(9)?,
            row.get(10)?,
        ))
    })?;
    row.map(
        |(integration, critical, is_open, state, is_sealed, company)| {
            Ok(Retryable {
                integration,
                company: CompanyId::from_bytes(company),
                critical,
                is_open,
                is_sealed,
                state: state.read(&id.to_bytes())?,
            })
        },
    )
    .transpose()
}

/// Due at this time, under the same id, in this lane or in that of a new one.
pub(crate) fn again(
    conn: &Connection,
    id: DeliveryId,
    found: &Retryable,
    due_at: Timestamp,
    in_lane: Option<i16>,
) -> Result<(), StoreError> {
    const AGAIN: &str = "UPDATE delivery SET lane = ?2, status = ?3, attempts = ?4, due_at = ?5, not_before = ?6, \
         parked_since = ?7, reason = ?8 WHERE id = ?1";
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
    let lane = in_lane.unwrap_or_else(|| lane(found.critical, state.attempts));
    run(
        conn,
        AGAIN,
        (
            id.to_bytes(),
            lane,
            status,
            attempts,
            due_at,
            not_before,
            parked_since,
            reason,
        ),
    )
    .map(drop)
}

/// The same alert under a new id, named by the rows of its events.
pub(crate) fn copy(conn: &Connection, id: DeliveryId, to: &Copied) -> Result<(), StoreError> {
    const COPY: &str = "INSERT INTO delivery (id, integration, lane, status, attempts, due_at, critical, rule, company, \
         event, created_at, replay_of, records, bytes, hash, headers, body) \
         SELECT ?2, coalesce(?5, integration), coalesce(?6, CASE WHEN critical THEN 0 ELSE 1 END), 'pending', 0, ?3, critical, rule, \
         company, event, ?4, id, records, bytes, hash, headers, body FROM delivery WHERE id = ?1";
    const COPY_JOINED: &str =
        "INSERT INTO delivery_event SELECT ?2, event FROM delivery_event WHERE delivery = ?1";
    let fresh = to.fresh.to_bytes();
    let integration = to.integration.map(IntegrationId::to_bytes);
    let row = (
        id.to_bytes(),
        fresh,
        to.due_at.micros(),
        to.now.micros(),
        integration,
        to.lane,
    );
    run(conn, COPY, row)?;
    run(conn, COPY_JOINED, (id.to_bytes(), fresh))?;
    // Joining blobs as text would lose bytes, so the three ids are joined here.
    let ids: Option<([u8; 16], [u8; 16])> = one(
        conn,
        "SELECT integration, rule FROM delivery WHERE id = ?1",
        [fresh],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((integration, rule)) = ids else {
        return Ok(());
    };
    for carrier in carriers(conn, id)? {
        if let Some(column) = deliveries_of(conn, carrier)? {
            let column = [&column[..], &fresh, &integration, &rule].concat();
            run(
                conn,
                "UPDATE event SET deliveries = ?2 WHERE id = ?1",
                (carrier, column),
            )?;
        }
    }
    Ok(())
}

/// Whether an integration has a delivery of an event of this delivery. An event that retention has taken cannot say where
/// it has been, so it counts as one that has.
pub(crate) fn has_been_at(
    conn: &Connection,
    id: DeliveryId,
    integration: IntegrationId,
) -> Result<bool, StoreError> {
    for carrier in carriers(conn, id)? {
        let Some(column) = deliveries_of(conn, carrier)? else {
            return Ok(true);
        };
        let deliveries = read_deliveries(&carrier, &column)?;
        if deliveries
            .iter()
            .any(|carried| carried.integration == integration)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The ids of the events of a delivery.
fn carriers(conn: &Connection, id: DeliveryId) -> Result<Vec<[u8; 16]>, StoreError> {
    all(
        conn,
        "SELECT event FROM delivery WHERE id = ?1 UNION ALL SELECT event FROM delivery_event WHERE delivery = ?1",
        [id.to_bytes()],
        |row| row.get(0),
    )
}

fn deliveries_of(conn: &Connection, event: [u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
    one(
        conn,
        "SELECT deliveries FROM event WHERE id = ?1",
        [event],
        |row| row.get(0),
    )
}

//! Deliveries as they are shown.

use delivery::replay::Found;
use domain::access::Scope;
use domain::{DeliveryId, EventId, IntegrationId};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::super::attempt::{ATTEMPT_COLUMNS, AttemptRow};
use super::super::row::{FAILING, ListRow, StandingRows, UNCANCELLED, read_alert, read_status};
use super::super::walk::{FEW_PENDING, Stride};
use super::super::{Attempt, DeliveryQuery, DeliveryRow, Standing, Target};
use super::state;
use crate::codec::join_ids;
use crate::event::read_deliveries;
use crate::job::{Item, Listed, Listing};
use crate::retention::lowest_id;
use crate::sqlite::{Clauses, Sqlite, all, blob, one};
use crate::{FrozenAlert, StoreError};

const COLUMNS: &str = "d.id, d.integration, d.rule, d.company, d.critical, d.cause, d.event, d.created_at, d.replay_of, \
     d.hash IS NOT NULL, coalesce(NOT o.enabled OR o.held, 0), e.subject, iif(e.id IS NULL, d.body, NULL), d.records, \
     d.status, d.attempts, d.due_at, d.not_before, d.parked_since, d.reason, e.kind";
const JOINS: &str =
    "LEFT JOIN owner o ON o.integration = d.integration LEFT JOIN event e ON e.id = d.event";
const JOINED: &str = "SELECT j.event FROM delivery_event j JOIN event e ON e.id = j.event \
     WHERE j.delivery = ?1 ORDER BY e.seq";
const PENDING: &str = "SELECT count(*) FROM \
     (SELECT 1 FROM delivery INDEXED BY delivery_due WHERE status = 'pending' LIMIT ?1)";

pub(in super::super) async fn delivery(
    db: &Sqlite,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<DeliveryRow>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("d.id = ?", blob(Some(id.to_bytes())));
    clauses.scope("d.company", scope);
    let rows = db
        .read(move |conn| select(conn, "delivery d", clauses, 1))
        .await?;
    rows.into_iter()
        .next()
        .map(DeliveryRow::try_from)
        .transpose()
}

pub(in super::super) async fn deliveries(
    db: &Sqlite,
    scope: &Scope,
    query: &DeliveryQuery,
    stride: Stride,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut clauses = narrow(scope, query);
    clauses.and_some("d.id < ?", blob(stride.after));
    clauses.and_some("d.id >= ?", blob(stride.last));
    let (query, limit) = (query.clone(), stride.limit);
    let rows = db
        .read(move |conn| {
            with_event(conn, &mut clauses, &query)?;
            select(conn, from(conn, &query)?, clauses, limit)
        })
        .await?;
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

/// The id of the delivery so many on, among those that an index names: the dead ones, those of an integration, or all.
pub(in super::super) async fn reach(
    db: &Sqlite,
    query: &DeliveryQuery,
    after: Option<[u8; 16]>,
    most: u32,
) -> Result<Option<[u8; 16]>, StoreError> {
    let mut clauses = Clauses::default();
    let from = match (query.is_of_dead(), query.integration) {
        (true, _) => {
            clauses.and("status = 'dead'", []);
            "delivery INDEXED BY delivery_dead"
        }
        (false, Some(integration)) => {
            clauses.and_some("integration = ?", blob(Some(integration.to_bytes())));
            "delivery INDEXED BY delivery_of_integration"
        }
        (false, None) => "delivery INDEXED BY delivery_id",
    };
    clauses.and_some("id < ?", blob(after));
    clauses.and_some("id < ?", blob(query.until.map(lowest_id)));
    // Always there, so that the index that is named has a condition to serve.
    let since = query.since.map_or([0; 16], lowest_id);
    clauses.and_some("id >= ?", blob(Some(since)));
    let sql = format!(
        "SELECT id FROM {from}{} ORDER BY id DESC LIMIT 1 OFFSET {}",
        clauses.sql(),
        most.saturating_sub(1)
    );
    db.read(move |conn| {
        one(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            row.get(0)
        })
    })
    .await
}

/// How many deliveries are pending, up to `most`.
pub(in super::super) async fn pending(db: &Sqlite, most: u32) -> Result<u32, StoreError> {
    let count = db
        .read(move |conn| one(conn, PENDING, [most], |row| row.get(0)))
        .await?;
    Ok(count.unwrap_or(0))
}

/// Two at most of the integrations that are held or switched off, or whether this one is.
pub(in super::super) async fn parking(
    db: &Sqlite,
    integration: Option<IntegrationId>,
) -> Result<Vec<IntegrationId>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("(NOT enabled OR held)", []);
    clauses.and_some(
        "integration = ?",
        blob(integration.map(IntegrationId::to_bytes)),
    );
    let sql = format!("SELECT integration FROM owner{} LIMIT 2", clauses.sql());
    db.read(move |conn| {
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            row.get(0).map(IntegrationId::from_bytes)
        })
    })
    .await
}

pub(in super::super) async fn count_deliveries(
    db: &Sqlite,
    scope: &Scope,
    query: &DeliveryQuery,
    most: u32,
) -> Result<u32, StoreError> {
    let mut clauses = narrow(scope, query);
    let query = query.clone();
    db.read(move |conn| {
        with_event(conn, &mut clauses, &query)?;
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LEFT JOIN owner o ON o.integration = d.integration{} LIMIT {most})",
            from(conn, &query)?,
            clauses.sql()
        );
        Ok(one(conn, &sql, params_from_iter(clauses.into_values()), |row| row.get(0))?.unwrap_or(0))
    })
    .await
}

pub(in super::super) async fn standings(
    db: &Sqlite,
    scope: &Scope,
    events: &[EventId],
) -> Result<Vec<(EventId, Standing)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.within("id", events.iter().map(|id| id.to_bytes()));
    clauses.scope("company", scope);
    let rows = db
        .read(move |conn| {
            let sql = format!("SELECT id, deliveries FROM event{}", clauses.sql());
            let events = all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            let mut clauses = Clauses::default();
            clauses.within("d.id", StandingRows::named(&events)?);
            let sql = format!(
                "SELECT d.id, d.status, coalesce(NOT o.enabled OR o.held, 0) FROM delivery d \
                 LEFT JOIN owner o ON o.integration = d.integration{}",
                clauses.sql()
            );
            let deliveries = all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
            })?;
            Ok(StandingRows {
                events,
                deliveries: deliveries.into_iter().collect(),
            })
        })
        .await?;
    rows.read()
}

pub(super) fn narrow(scope: &Scope, query: &DeliveryQuery) -> Clauses {
    let mut clauses = Clauses::default();
    clauses.scope("d.company", scope);
    match query.standing {
        None => {}
        Some(Standing::Delivered) => clauses.and("d.status = 'delivered'", []),
        Some(Standing::Dead) => clauses.and("d.status = 'dead'", []),
        Some(Standing::Pending) => {
            clauses.and(
                "d.status = 'pending' AND coalesce(o.enabled AND NOT o.held, 1)",
                [],
            );
        }
        Some(Standing::Parked) => {
            clauses.and("d.status = 'pending' AND (NOT o.enabled OR o.held)", [])
        }
    }
    clauses.and_some(
        "d.integration = ?",
        blob(query.integration.map(IntegrationId::to_bytes)),
    );
    clauses.and_some(
        "d.company = ?",
        blob(query.company.map(domain::CompanyId::to_bytes)),
    );
    if !query.ids.is_empty() {
        clauses.within("d.id", query.ids.iter().map(|id| id.to_bytes()));
    }
    clauses.and_some("d.cause = ?", query.cause.clone());
    if query.failing {
        clauses.and(FAILING, []);
    }
    if query.uncancelled {
        clauses.and(UNCANCELLED, []);
    }
    if let Some(reasons) = query.reasons() {
        let places = vec!["?"; reasons.len()].join(",");
        clauses.and(
            &format!("d.status = 'dead' AND d.reason IN ({places})"),
            reasons.map(|reason| Value::Text(reason.to_owned())),
        );
    }
    of_event(&mut clauses, query);
    of_last_attempt(&mut clauses, query);
    // Ids tell the time of making, and the table is in their order.
    clauses.and_some("d.id >= ?", blob(query.since.map(lowest_id)));
    clauses.and_some("d.id < ?", blob(query.until.map(lowest_id)));
    clauses
}

/// What the first event says. `lower` looks at ASCII letters alone.
fn of_event(clauses: &mut Clauses, query: &DeliveryQuery) {
    let asked = [
        ("k.kind LIKE ? ESCAPE '\\'", query.wanted_kind()),
        ("k.category = ?", query.category.clone()),
        ("instr(lower(k.subject), ?) > 0", query.wanted_text()),
    ];
    let asked = asked
        .into_iter()
        .filter_map(|(condition, value)| Some((condition, Value::Text(value?))));
    let (conditions, values): (Vec<_>, Vec<_>) = asked.unzip();
    if !values.is_empty() {
        let conditions = conditions.join(" AND ");
        clauses.and(
            &format!("EXISTS (SELECT 1 FROM event k WHERE k.id = d.event AND {conditions})"),
            values,
        );
    }
}

fn of_last_attempt(clauses: &mut Clauses, query: &DeliveryQuery) {
    let last = |column| {
        format!(
            "(SELECT a.{column} FROM attempt a WHERE a.delivery = d.id ORDER BY a.number DESC LIMIT 1)"
        )
    };
    if let Some(codes) = query.codes {
        let condition = format!("{} BETWEEN ? AND ?", last("status_code"));
        clauses.and(&condition, [codes.least, codes.most].map(Value::from));
    }
    clauses.and_some(&format!("{} >= ?", last("duration")), query.wanted_micros());
}

/// Where the query names an event, only the deliveries that its row names.
pub(super) fn with_event(
    conn: &Connection,
    clauses: &mut Clauses,
    query: &DeliveryQuery,
) -> Result<(), StoreError> {
    let Some(event) = query.event else {
        return Ok(());
    };
    let id = event.to_bytes();
    let column: Option<Vec<u8>> = one(
        conn,
        "SELECT deliveries FROM event WHERE id = ?1",
        [id],
        |row| row.get(0),
    )?;
    let carried = read_deliveries(&id, &column.unwrap_or_default())?;
    clauses.within(
        "d.id",
        carried.iter().map(|carried| carried.delivery.to_bytes()),
    );
    Ok(())
}

/// Which index a list walks. SQLite cannot know that few of many deliveries are pending, so it is told.
pub(super) fn from(conn: &Connection, query: &DeliveryQuery) -> Result<&'static str, StoreError> {
    let standing = match query.reasons() {
        // Nothing fits, and an index that is made for what fits is no way to that.
        Some(reasons) if reasons.len() == 0 => return Ok("delivery d"),
        Some(_) => Some(Standing::Dead),
        None => query.standing,
    };
    if query.event.is_some() || !query.ids.is_empty() {
        return Ok("delivery d");
    }
    Ok(match standing {
        Some(Standing::Dead) => "delivery d INDEXED BY delivery_dead",
        Some(Standing::Pending | Standing::Parked) => {
            let pending: u32 =
                one(conn, PENDING, [FEW_PENDING + 1], |row| row.get(0))?.unwrap_or(0);
            if pending <= FEW_PENDING {
                "delivery d INDEXED BY delivery_due"
            } else {
                "delivery d"
            }
        }
        _ => "delivery d",
    })
}

fn select(
    conn: &Connection,
    from: &str,
    clauses: Clauses,
    limit: usize,
) -> Result<Vec<ListRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {from} {JOINS}{} ORDER BY d.id DESC LIMIT {limit}",
        clauses.sql()
    );
    let mut rows = all(
        conn,
        &sql,
        params_from_iter(clauses.into_values()),
        list_row,
    )?;
    for (row, records) in &mut rows {
        if *records > 0 {
            row.joined = join_ids(all(conn, JOINED, [&row.id], |joined| joined.get(0))?);
        }
    }
    Ok(rows.into_iter().map(|(row, _)| row).collect())
}

/// A row, and how many records its group has; 0 when it never was one.
fn list_row(row: &Row<'_>) -> rusqlite::Result<(ListRow, u32)> {
    let list = ListRow {
        id: row.get(0)?,
        integration: row.get(1)?,
        rule: row.get(2)?,
        company: row.get(3)?,
        critical: row.get(4)?,
        cause: row.get(5)?,
        event: row.get(6)?,
        created_at: row.get(7)?,
        replay_of: row.get(8)?,
        sealed: row.get(9)?,
        parked: row.get(10)?,
        subject: row.get(11)?,
        body: row.get(12)?,
        state: state(row, 14)?,
        kind: row.get(20)?,
        joined: Vec::new(),
    };
    Ok((list, row.get(13)?))
}

pub(in super::super) async fn attempts(
    db: &Sqlite,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Vec<Attempt>, StoreError> {
    let scope = scope.clone();
    let rows = db
        .read(move |conn| {
            if !is_visible(conn, &scope, id)? {
                return Ok(Vec::new());
            }
            let sql = format!(
                "SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE delivery = ?1 ORDER BY number"
            );
            all(conn, &sql, [id.to_bytes()], attempt_row)
        })
        .await?;
    rows.into_iter().map(Attempt::try_from).collect()
}

pub(super) fn is_visible(
    conn: &Connection,
    scope: &Scope,
    id: DeliveryId,
) -> Result<bool, StoreError> {
    let company: Option<[u8; 16]> = one(
        conn,
        "SELECT company FROM delivery WHERE id = ?1",
        [id.to_bytes()],
        |row| row.get(0),
    )?;
    Ok(company.is_some_and(|company| scope.admits(Some(domain::CompanyId::from_bytes(company)))))
}

fn attempt_row(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        delivery: row.get(0)?,
        number: row.get(1)?,
        id: row.get(2)?,
        started_at: row.get(3)?,
        duration: row.get(4)?,
        outcome: row.get(5)?,
        cause: row.get(6)?,
        detail: row.get(7)?,
        status_code: row.get(8)?,
        address: row.get(9)?,
        timings: row.get(10)?,
        request_headers: row.get(11)?,
        response_headers: row.get(12)?,
        response_body: row.get(13)?,
    })
}

pub(in super::super) async fn alert(
    db: &Sqlite,
    scope: &Scope,
    id: DeliveryId,
) -> Result<Option<FrozenAlert>, StoreError> {
    let scope = scope.clone();
    let row = db
        .read(move |conn| {
            if !is_visible(conn, &scope, id)? {
                return Ok(None);
            }
            one(
                conn,
                "SELECT body, headers, hash FROM delivery WHERE id = ?1",
                [id.to_bytes()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
        })
        .await?;
    row.map_or(Ok(None), |(body, headers, hash)| {
        read_alert(&id.to_bytes(), body, headers, hash)
    })
}

/// What a replay takes, oldest first.
pub(in super::super) async fn list_for_replay(
    db: &Sqlite,
    scope: &Scope,
    query: &DeliveryQuery,
    to: Option<&Target>,
    most: u32,
) -> Result<Listed, StoreError> {
    let mut clauses = narrow(scope, query);
    let (query, to) = (query.clone(), to.cloned());
    db.read(move |conn| {
        with_event(conn, &mut clauses, &query)?;
        // An event that retention has taken cannot say where it has been.
        let (there, bound) = match &to {
            Some(to) => (
                "e.id IS NULL OR instr(e.deliveries, ?) > 0",
                blob(Some(to.integration.to_bytes())),
            ),
            None => ("0", None),
        };
        let sql = format!(
            "SELECT d.id, d.status, d.group_key IS NOT NULL, d.hash IS NOT NULL, d.company, {there} \
             FROM {} {JOINS}{} ORDER BY d.id LIMIT {}",
            from(conn, &query)?,
            clauses.sql(),
            u64::from(most) + 1
        );
        let mut listing = Listing::new(most);
        let mut statement = conn.prepare(&sql)?;
        let values = bound.into_iter().chain(clauses.into_values());
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let id: [u8; 16] = row.get(0)?;
            let found = Found {
                status: read_status(&id, &row.get::<_, String>(1)?)?,
                is_open: row.get(2)?,
                is_sealed: row.get(3)?,
            };
            let company = domain::CompanyId::from_bytes(row.get(4)?);
            listing.add(Item::of_delivery(id, found, company, row.get(5)?, to.as_ref()));
        }
        Ok(listing.finish())
    })
    .await
}

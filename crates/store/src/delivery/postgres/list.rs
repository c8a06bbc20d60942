//! Deliveries as they are shown.

use std::collections::HashMap;

use deadpool_postgres::Client;
use delivery::replay::Found;
use domain::access::Scope;
use domain::{DeliveryId, EventId, IntegrationId};
use tokio_postgres::Row;

use super::super::attempt::{ATTEMPT_COLUMNS, AttemptRow};
use super::super::row::{FAILING, ListRow, StandingRows, UNCANCELLED, read_alert, read_status};
use super::super::walk::Stride;
use super::super::{Attempt, DeliveryQuery, DeliveryRow, Standing, Target};
use super::state;
use crate::codec::fixed;
use crate::event::read_deliveries;
use crate::job::{Item, Listed, Listing};
use crate::postgres::{Clauses, Failure, Postgres, all, one, sound};
use crate::retention::lowest_id;
use crate::{FrozenAlert, StoreError};

const COLUMNS: &str = "d.id, d.integration, d.rule, d.company, d.critical, d.cause, d.event, d.created_at, d.replay_of, \
     d.hash IS NOT NULL, coalesce(NOT o.enabled OR o.held, FALSE), e.subject, \
     CASE WHEN e.id IS NULL THEN d.body END, d.records, \
     d.status, d.attempts, d.due_at, d.not_before, d.parked_since, d.reason, e.kind";
pub(super) const OWNER: &str = "LEFT JOIN owner o ON o.integration = d.integration";
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
    stride: Stride,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let client = db.client().await?;
    let mut clauses = narrow(&client, scope, query).await?;
    clauses.and_some("d.id < ?", stride.after.map(Vec::from));
    clauses.and_some("d.id >= ?", stride.last.map(Vec::from));
    let rows = select(&client, &clauses, stride.limit).await?;
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

/// The id of the delivery so many on, among those that an index names: the dead ones, those of an integration, or all.
pub(in super::super) async fn reach(
    db: &Postgres,
    query: &DeliveryQuery,
    after: Option<[u8; 16]>,
    most: u32,
) -> Result<Option<[u8; 16]>, StoreError> {
    let mut clauses = Clauses::default();
    match (query.is_of_dead(), query.integration) {
        (true, _) => clauses.and_plain("status = 'dead'"),
        (false, Some(integration)) => {
            clauses.and("integration = ?", integration.to_bytes().to_vec());
        }
        (false, None) => {}
    }
    clauses.and_some("id < ?", after.map(Vec::from));
    clauses.and_some("id < ?", query.until.map(|until| lowest_id(until).to_vec()));
    clauses.and_some(
        "id >= ?",
        query.since.map(|since| lowest_id(since).to_vec()),
    );
    let sql = format!(
        "SELECT id FROM delivery{} ORDER BY id DESC LIMIT 1 OFFSET {}",
        clauses.sql(),
        most.saturating_sub(1)
    );
    let id: Option<Vec<u8>> = one(&db.client().await?, &sql, &clauses.values(), |row| {
        row.try_get(0)
    })
    .await?;
    id.map(|id| fixed("delivery", &id, &id)).transpose()
}

/// How many deliveries are pending, up to `most`.
pub(in super::super) async fn pending(db: &Postgres, most: u32) -> Result<u32, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE status = 'pending' LIMIT {most}) AS counted"
    );
    let count: Option<i64> = one(&db.client().await?, &sql, &[], |row| row.try_get(0)).await?;
    Ok(u32::try_from(count.unwrap_or(0)).unwrap_or(most))
}

/// Two at most of the integrations that are held or switched off, or whether this one is.
pub(in super::super) async fn parking(
    db: &Postgres,
    integration: Option<IntegrationId>,
) -> Result<Vec<IntegrationId>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_plain("(NOT enabled OR held)");
    clauses.and_some(
        "integration = ?",
        integration.map(|id| id.to_bytes().to_vec()),
    );
    let sql = format!("SELECT integration FROM owner{} LIMIT 2", clauses.sql());
    let ids: Vec<Vec<u8>> = all(&db.client().await?, &sql, &clauses.values(), |row| {
        row.try_get(0)
    })
    .await?;
    let read = |id: Vec<u8>| fixed("owner", &id, &id).map(IntegrationId::from_bytes);
    ids.into_iter().map(read).collect()
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

pub(in super::super) async fn standings(
    db: &Postgres,
    scope: &Scope,
    events: &[EventId],
) -> Result<Vec<(EventId, Standing)>, StoreError> {
    let client = db.client().await?;
    let mut clauses = Clauses::default();
    clauses.within("id", events.iter().map(|id| id.to_bytes()));
    clauses.scope("company", scope);
    let sql = format!("SELECT id, deliveries FROM event{}", clauses.sql());
    let events = all(&client, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;
    let mut clauses = Clauses::default();
    clauses.within("d.id", StandingRows::named(&events)?);
    let sql = format!(
        "SELECT d.id, d.status, coalesce(NOT o.enabled OR o.held, FALSE) FROM delivery d {OWNER}{}",
        clauses.sql()
    );
    let deliveries = all(&client, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))
    })
    .await?;
    StandingRows {
        events,
        deliveries: deliveries.into_iter().collect(),
    }
    .read()
}

pub(super) async fn narrow(
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
    if !query.ids.is_empty() {
        clauses.within("d.id", query.ids.iter().map(|id| id.to_bytes()));
    }
    clauses.and_text("d.cause = ?", query.cause.as_deref());
    if query.failing {
        clauses.and_plain(FAILING);
    }
    if query.uncancelled {
        clauses.and_plain(UNCANCELLED);
    }
    if let Some(reasons) = query.reasons() {
        let reasons: Vec<String> = reasons.map(str::to_owned).collect();
        clauses.and("d.status = 'dead' AND d.reason = ANY(?)", reasons);
    }
    of_event(&mut clauses, query);
    of_last_attempt(&mut clauses, query);
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

/// What the first event says. The collation looks at ASCII letters alone.
fn of_event(clauses: &mut Clauses, query: &DeliveryQuery) {
    let asked = [
        (
            "lower(k.kind COLLATE \"C\") LIKE ? ESCAPE '\\'",
            query.wanted_kind(),
        ),
        ("k.category = ?", query.category.clone()),
        (
            "strpos(lower(k.subject COLLATE \"C\"), ?) > 0",
            query.wanted_text(),
        ),
    ];
    let mut conditions = Vec::new();
    for (condition, value) in asked {
        if let Some(value) = value {
            let place = clauses.place(sound(&value).into_owned());
            conditions.push(condition.replace('?', &place));
        }
    }
    if !conditions.is_empty() {
        clauses.and_plain(&format!(
            "EXISTS (SELECT 1 FROM event k WHERE k.id = d.event AND {})",
            conditions.join(" AND ")
        ));
    }
}

fn of_last_attempt(clauses: &mut Clauses, query: &DeliveryQuery) {
    let last = |column| {
        format!(
            "(SELECT a.{column} FROM attempt a WHERE a.delivery = d.id ORDER BY a.number DESC LIMIT 1)"
        )
    };
    if let Some(codes) = query.codes {
        let [least, most] = [codes.least, codes.most].map(|code| clauses.place(code));
        clauses.and_plain(&format!(
            "{} BETWEEN {least} AND {most}",
            last("status_code")
        ));
    }
    clauses.and_some(&format!("{} >= ?", last("duration")), query.wanted_micros());
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
    limit: usize,
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
        kind: row.try_get(20)?,
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

pub(super) async fn is_visible(
    client: &Client,
    scope: &Scope,
    id: DeliveryId,
) -> Result<bool, Failure> {
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

/// Rows that one statement reads of what a replay takes.
const LISTED_AT_ONCE: u32 = 10_000;

/// What a replay takes, oldest first, as of one instant.
pub(in super::super) async fn list_for_replay(
    db: &Postgres,
    scope: &Scope,
    query: &DeliveryQuery,
    to: Option<&Target>,
    most: u32,
) -> Result<Listed, StoreError> {
    let work = db.snapshot().await?;
    let mut listing = Listing::new(most);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let mut clauses = narrow(&work, scope, query).await?;
        clauses.and_some("d.id > ?", after.take());
        // An event that retention has taken cannot say where it has been.
        let there = match to {
            Some(to) => {
                let place = clauses.place(to.integration.to_bytes().to_vec());
                format!("e.id IS NULL OR position({place} IN e.deliveries) > 0")
            }
            None => "FALSE".to_owned(),
        };
        let sql = format!(
            "SELECT d.id, d.status, d.group_key IS NOT NULL, d.hash IS NOT NULL, d.company, {there} FROM delivery d \
             {OWNER} LEFT JOIN event e ON e.id = d.event{} ORDER BY d.id LIMIT {LISTED_AT_ONCE}",
            clauses.sql()
        );
        let rows = all(&work, &sql, &clauses.values(), listed_row).await?;
        let read = rows.len();
        for row in rows {
            after = Some(row.id.clone());
            listing.add(row.item(to)?);
        }
        if read < LISTED_AT_ONCE as usize || listing.is_full() {
            break;
        }
    }
    work.commit().await?;
    Ok(listing.finish())
}

/// A delivery as a replay asks about it.
struct ListedRow {
    id: Vec<u8>,
    status: String,
    is_open: bool,
    is_sealed: bool,
    company: Vec<u8>,
    there: bool,
}

impl ListedRow {
    fn item(self, to: Option<&Target>) -> Result<Option<Item>, StoreError> {
        let id = fixed("delivery", &self.id, &self.id)?;
        let found = Found {
            status: read_status(&id, &self.status)?,
            is_open: self.is_open,
            is_sealed: self.is_sealed,
        };
        let company = domain::CompanyId::from_bytes(fixed("delivery", &id, &self.company)?);
        Ok(Item::of_delivery(id, found, company, self.there, to))
    }
}

fn listed_row(row: &Row) -> Result<ListedRow, tokio_postgres::Error> {
    Ok(ListedRow {
        id: row.try_get(0)?,
        status: row.try_get(1)?,
        is_open: row.try_get(2)?,
        is_sealed: row.try_get(3)?,
        company: row.try_get(4)?,
        there: row.try_get(5)?,
    })
}

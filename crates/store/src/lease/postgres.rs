//! Leases on PostgreSQL. Their end is told by the server's clock, in the statement, so nodes need not agree on the time.

use std::collections::HashMap;
use std::time::Duration;

use domain::{IntegrationId, NodeId, Timestamp};

use super::Lease;
use crate::StoreError;
use crate::codec::fixed;
use crate::postgres::{CLOCK, Failure, Postgres, Work, all, one, retried, run};

/// The first of each lane by its index, so that a long queue costs no more than a short one.
const WITH_WORK: &str = "SELECT o.integration, min(d.due_at) AS due FROM owner o \
     CROSS JOIN unnest(ARRAY[0, 1, 2]::smallint[]) AS l (lane) \
     CROSS JOIN LATERAL (SELECT due_at FROM delivery WHERE integration = o.integration AND lane = l.lane \
     AND status = 'pending' ORDER BY due_at LIMIT 1) d GROUP BY o.integration ORDER BY due LIMIT $1";
const RELEASE: &str = "UPDATE owner o SET node = NULL, until = 0 FROM (SELECT w.integration FROM owner w \
     JOIN unnest($1::bytea[], $2::bigint[]) AS held (integration, number) USING (integration, number) \
     ORDER BY w.integration FOR UPDATE OF w) mine WHERE o.integration = mine.integration";
const HELD: &str =
    "SELECT 1 FROM owner WHERE integration = $1 AND number = $2 AND node IS NOT NULL FOR UPDATE";

/// Whether the lease is still the newest: whoever writes for an owner asks this first, in the same transaction.
/// Until that ends nobody else can take it.
pub(crate) async fn holds(work: &Work, lease: &Lease) -> Result<bool, Failure> {
    let held = one(
        work,
        HELD,
        &[&&lease.integration.to_bytes()[..], &lease.number],
        |_| Ok(()),
    )
    .await?;
    Ok(held.is_some())
}

pub(super) async fn with_work(
    db: &Postgres,
    _now: Timestamp,
    limit: usize,
) -> Result<Vec<(IntegrationId, Timestamp)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = all(&db.client().await?, WITH_WORK, &[&limit], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, i64>(1)?))
    })
    .await?;
    let read = |(id, due): (Vec<u8>, i64)| {
        Ok((
            IntegrationId::from_bytes(fixed("owner", &id, &id)?),
            Timestamp::from_micros(due),
        ))
    };
    rows.into_iter().map(read).collect()
}

pub(super) async fn take_leases(
    db: &Postgres,
    node: NodeId,
    wanted: &[IntegrationId],
    ttl: Duration,
    now: Timestamp,
) -> Result<Vec<Lease>, StoreError> {
    // Locked in order, so that two nodes that want the same ones wait in one order.
    let take = format!(
        "UPDATE owner o SET node = $2, number = o.number + 1, until = {CLOCK} + $3 \
         FROM (SELECT integration FROM owner WHERE integration = ANY($1::bytea[]) \
         AND (node IS NULL OR node = $2 OR until <= {CLOCK}) ORDER BY integration FOR UPDATE) free \
         WHERE o.integration = free.integration RETURNING o.integration, o.number"
    );
    let ids: Vec<Vec<u8>> = wanted.iter().map(|id| id.to_bytes().to_vec()).collect();
    let taken = retried!(numbers(db, &take, &ids, &node.to_bytes().to_vec(), ttl))?;
    let taken = read_numbers(taken)?;
    Ok(leases(wanted.iter().copied(), &taken, now.after(ttl)))
}

pub(super) async fn renew_leases(
    db: &Postgres,
    held: &[Lease],
    ttl: Duration,
    now: Timestamp,
) -> Result<Vec<Lease>, StoreError> {
    let renew = format!(
        "UPDATE owner o SET until = {CLOCK} + $3 FROM (SELECT w.integration FROM owner w \
         JOIN unnest($1::bytea[], $2::bigint[]) AS held (integration, number) USING (integration, number) \
         WHERE w.node IS NOT NULL ORDER BY w.integration FOR UPDATE OF w) mine \
         WHERE o.integration = mine.integration RETURNING o.integration, o.number"
    );
    let (ids, held_numbers) = columns(held);
    let renewed = retried!(numbers(db, &renew, &ids, &held_numbers, ttl))?;
    let renewed = read_numbers(renewed)?;
    Ok(leases(
        held.iter().map(|lease| lease.integration),
        &renewed,
        now.after(ttl),
    ))
}

pub(super) async fn release_leases(db: &Postgres, held: &[Lease]) -> Result<(), StoreError> {
    let (ids, held_numbers) = columns(held);
    retried!(async { run(&db.client().await?, RELEASE, &[&ids, &held_numbers]).await })?;
    Ok(())
}

fn columns(held: &[Lease]) -> (Vec<Vec<u8>>, Vec<i64>) {
    held.iter()
        .map(|lease| (lease.integration.to_bytes().to_vec(), lease.number))
        .unzip()
}

/// Runs a statement on owners; answers the number of each that it changed.
async fn numbers(
    db: &Postgres,
    sql: &str,
    ids: &Vec<Vec<u8>>,
    second: &(dyn tokio_postgres::types::ToSql + Sync),
    ttl: Duration,
) -> Result<Vec<(Vec<u8>, i64)>, Failure> {
    let ttl = i64::try_from(ttl.as_micros())
        .unwrap_or(i64::MAX / 4)
        .min(i64::MAX / 4);
    all(&db.client().await?, sql, &[ids, second, &ttl], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await
}

fn read_numbers(rows: Vec<(Vec<u8>, i64)>) -> Result<HashMap<IntegrationId, i64>, StoreError> {
    let read = |(id, number): (Vec<u8>, i64)| {
        Ok((IntegrationId::from_bytes(fixed("owner", &id, &id)?), number))
    };
    rows.into_iter().map(read).collect()
}

/// The end is counted from when the caller asked, which was before the server's clock was read.
fn leases(
    wanted: impl Iterator<Item = IntegrationId>,
    numbers: &HashMap<IntegrationId, i64>,
    until: Timestamp,
) -> Vec<Lease> {
    wanted
        .filter_map(|integration| {
            numbers.get(&integration).map(|number| Lease {
                integration,
                number: *number,
                until,
            })
        })
        .collect()
}

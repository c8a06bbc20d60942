//! Last attempts, and counts by integration and cause.

use domain::DeliveryId;
use domain::access::Scope;

use super::super::DeliveryQuery;
use super::super::summary::{COUNTED, SHARES, ShareRow, TryRow};
use super::list::{OWNER, narrow};
use crate::StoreError;
use crate::postgres::{Clauses, Postgres, all};

pub(in super::super) async fn last_tries(
    db: &Postgres,
    scope: &Scope,
    ids: &[DeliveryId],
) -> Result<Vec<TryRow>, StoreError> {
    let client = db.client().await?;
    let mut clauses = Clauses::default();
    clauses.within("d.id", ids.iter().map(|id| id.to_bytes()));
    clauses.scope("d.company", scope);
    let sql = format!(
        "SELECT d.id, a.number, a.duration, a.status_code FROM delivery d JOIN attempt a ON a.delivery = d.id AND a.number = \
         (SELECT max(number) FROM attempt WHERE delivery = d.id){}",
        clauses.sql()
    );
    let rows: Vec<TryRow> = all(&client, &sql, &clauses.values(), |row| {
        Ok((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
        ))
    })
    .await?;
    Ok(rows)
}

pub(in super::super) async fn breakdown(
    db: &Postgres,
    scope: &Scope,
    query: &DeliveryQuery,
) -> Result<Vec<ShareRow>, StoreError> {
    let client = db.client().await?;
    let clauses = narrow(&client, scope, query).await?;
    let sql = format!(
        "SELECT integration, cause, count(*) AS many FROM (SELECT d.integration, d.cause FROM delivery d {OWNER}{} LIMIT {}) AS counted \
         GROUP BY integration, cause ORDER BY many DESC, integration, cause LIMIT {}",
        clauses.sql(),
        COUNTED + 1,
        SHARES + 1
    );
    let rows: Vec<ShareRow> = all(&client, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })
    .await?;
    Ok(rows)
}

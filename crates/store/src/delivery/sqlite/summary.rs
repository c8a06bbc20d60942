//! Last attempts, and counts by integration and cause.

use domain::DeliveryId;
use domain::access::Scope;
use rusqlite::params_from_iter;

use super::super::DeliveryQuery;
use super::super::summary::{COUNTED, SHARES, ShareRow, TryRow};
use super::list::{from, narrow, with_event};
use crate::StoreError;
use crate::sqlite::{Clauses, Sqlite, all};

pub(in super::super) async fn last_tries(
    db: &Sqlite,
    scope: &Scope,
    ids: &[DeliveryId],
) -> Result<Vec<TryRow>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.within("d.id", ids.iter().map(|id| id.to_bytes()));
    clauses.scope("d.company", scope);
    let sql = format!(
        "SELECT d.id, a.number, a.duration, a.status_code FROM delivery d JOIN attempt a ON a.delivery = d.id AND a.number = \
         (SELECT max(number) FROM attempt WHERE delivery = d.id){}",
        clauses.sql()
    );
    db.read(move |conn| {
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
    })
    .await
}

pub(in super::super) async fn breakdown(
    db: &Sqlite,
    scope: &Scope,
    query: &DeliveryQuery,
) -> Result<Vec<ShareRow>, StoreError> {
    let mut clauses = narrow(scope, query);
    let query = query.clone();
    db.read(move |conn| {
        with_event(conn, &mut clauses, &query)?;
        let sql = format!(
            "SELECT integration, cause, count(*) AS many FROM (SELECT d.integration, d.cause FROM {} \
             LEFT JOIN owner o ON o.integration = d.integration{} LIMIT {}) \
             GROUP BY integration, cause ORDER BY many DESC, integration, cause LIMIT {}",
            from(conn, &query)?,
            clauses.sql(),
            COUNTED + 1,
            SHARES + 1
        );
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    })
    .await
}

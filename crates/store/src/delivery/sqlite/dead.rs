//! Dead letters by cause, from the index that was made for them.

use domain::access::Scope;
use rusqlite::params_from_iter;

use super::super::dead::{COUNTED, DeadLetters, DeadQuery, GROUPS, GroupRow};
use crate::StoreError;
use crate::sqlite::{Clauses, Sqlite, all, blob};

pub(in super::super) async fn dead_letters(
    db: &Sqlite,
    scope: &Scope,
    query: &DeadQuery,
) -> Result<DeadLetters, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("status = 'dead'", []);
    clauses.scope("company", scope);
    clauses.and_some(
        "integration = ?",
        blob(query.integration.map(domain::IntegrationId::to_bytes)),
    );
    clauses.and_some(
        "company = ?",
        blob(query.company.map(domain::CompanyId::to_bytes)),
    );
    clauses.and_some(
        "created_at >= ?",
        query.since.map(domain::Timestamp::micros),
    );
    clauses.and_some("created_at < ?", query.until.map(domain::Timestamp::micros));
    let sql = format!(
        "SELECT integration, reason, cause, count(*) AS many, min(created_at), max(created_at) FROM \
         (SELECT integration, reason, cause, created_at FROM delivery INDEXED BY delivery_dead_by_cause{} LIMIT {}) \
         GROUP BY integration, reason, cause ORDER BY many DESC, integration, reason, cause LIMIT {}",
        clauses.sql(),
        COUNTED + 1,
        GROUPS + 1
    );
    let groups = db
        .read(move |conn| {
            all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                Ok(GroupRow {
                    integration: row.get(0)?,
                    reason: row.get(1)?,
                    cause: row.get(2)?,
                    count: row.get(3)?,
                    oldest: row.get(4)?,
                    newest: row.get(5)?,
                })
            })
        })
        .await?;
    DeadLetters::of(groups)
}

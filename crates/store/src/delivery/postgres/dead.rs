//! Dead letters by cause, from the index that was made for them.

use domain::access::Scope;

use super::super::dead::{COUNTED, DeadLetters, DeadQuery, GROUPS, GroupRow};
use crate::StoreError;
use crate::postgres::{Clauses, Postgres, all};

pub(in super::super) async fn dead_letters(
    db: &Postgres,
    scope: &Scope,
    query: &DeadQuery,
) -> Result<DeadLetters, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_plain("status = 'dead'");
    clauses.scope("company", scope);
    clauses.and_some(
        "integration = ?",
        query.integration.map(|id| id.to_bytes().to_vec()),
    );
    clauses.and_some(
        "company = ?",
        query.company.map(|id| id.to_bytes().to_vec()),
    );
    clauses.and_some(
        "created_at >= ?",
        query.since.map(domain::Timestamp::micros),
    );
    clauses.and_some("created_at < ?", query.until.map(domain::Timestamp::micros));
    let sql = format!(
        "SELECT integration, reason, cause, count(*) AS many, min(created_at), max(created_at) FROM \
         (SELECT integration, reason, cause, created_at FROM delivery{} LIMIT {}) AS dead \
         GROUP BY integration, reason, cause ORDER BY many DESC, integration, reason, cause LIMIT {}",
        clauses.sql(),
        COUNTED + 1,
        GROUPS + 1
    );
    let groups = all(&db.client().await?, &sql, &clauses.values(), |row| {
        Ok(GroupRow {
            integration: row.try_get(0)?,
            reason: row.try_get(1)?,
            cause: row.try_get(2)?,
            count: row.try_get(3)?,
            oldest: row.try_get(4)?,
            newest: row.try_get(5)?,
        })
    })
    .await?;
    DeadLetters::of(groups)
}

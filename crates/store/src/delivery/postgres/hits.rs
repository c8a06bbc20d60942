//! Hits of rules.

use domain::access::Scope;

use super::super::hits::{HitRow, Hits, HitsQuery};
use crate::postgres::{Clauses, Postgres, all};
use crate::retention::lowest_id;
use crate::{Store, StoreError};

pub(in super::super) async fn hits(db: &Postgres, query: &HitsQuery) -> Result<Hits, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_some(
        "integration = ?",
        query.integration.map(|id| id.to_bytes().to_vec()),
    );
    clauses.and("id >= ?", lowest_id(query.since).to_vec());
    let seen = match &query.scope {
        Scope::All => "replay_of IS NULL".to_owned(),
        Scope::Companies(companies) => {
            let ids: Vec<_> = companies.iter().map(|id| id.to_bytes().to_vec()).collect();
            let place = clauses.place(ids);
            format!("replay_of IS NULL AND company = ANY({place})")
        }
    };
    let sql = format!(
        "SELECT rule, count(made), max(made), count(*) FROM \
         (SELECT rule, CASE WHEN {seen} THEN created_at END AS made FROM delivery{} ORDER BY id DESC LIMIT {}) AS looked \
         GROUP BY rule",
        clauses.sql(),
        Store::MOST_HITS + 1
    );
    let rows = all(&db.client().await?, &sql, &clauses.values(), |row| {
        Ok(HitRow {
            rule: row.try_get(0)?,
            count: row.try_get(1)?,
            newest: row.try_get(2)?,
            looked_at: row.try_get(3)?,
        })
    })
    .await?;
    Hits::of(&rows)
}

//! Hits of rules.

use rusqlite::params_from_iter;

use super::super::hits::{HitRow, Hits, HitsQuery};
use crate::retention::lowest_id;
use crate::sqlite::{Clauses, Sqlite, all, blob};
use crate::{Store, StoreError};

pub(in super::super) async fn hits(db: &Sqlite, query: &HitsQuery) -> Result<Hits, StoreError> {
    let mut seen = Clauses::default();
    seen.and("replay_of IS NULL", []);
    seen.scope("company", &query.scope);
    let mut clauses = Clauses::default();
    clauses.and_some(
        "integration = ?",
        blob(query.integration.map(domain::IntegrationId::to_bytes)),
    );
    clauses.and("id >= ?", blob(Some(lowest_id(query.since))));
    let sql = format!(
        "SELECT rule, count(made), max(made), count(*) FROM \
         (SELECT rule, CASE WHEN {} THEN created_at END AS made FROM delivery{} ORDER BY id DESC LIMIT {}) GROUP BY rule",
        seen.sql().trim_start_matches(" WHERE "),
        clauses.sql(),
        Store::MOST_HITS + 1
    );
    let values: Vec<_> = [seen.into_values(), clauses.into_values()].concat();
    let rows = db
        .read(move |conn| {
            all(conn, &sql, params_from_iter(values), |row| {
                Ok(HitRow {
                    rule: row.get(0)?,
                    count: row.get(1)?,
                    newest: row.get(2)?,
                    looked_at: row.get(3)?,
                })
            })
        })
        .await?;
    Hits::of(&rows)
}

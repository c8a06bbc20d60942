//! Watched subjects on SQLite.

use std::collections::BTreeSet;

use domain::access::Scope;
use domain::{EventId, Timestamp};
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{
    DriftRound, SEEN_COLUMNS, SightingRow, WATCHED, WATCHED_COLUMNS, Watched, WatchedKey,
    WatchedRow,
};
use crate::StoreError;
use crate::codec::{join_ids, to_json};
use crate::sqlite::{Care, Clauses, Sqlite, all, one, run};

const SEEN: &str = "SELECT seq FROM drift_seen";
const MOVE: &str = "UPDATE drift_seen SET seq = ?2 WHERE seq = ?1";
const UPDATE: &str = "UPDATE drift SET subject = ?4, kind = ?5, state = ?6, misses = ?7, opened_at = ?8, changed_at = ?9 \
     WHERE company = ?1 AND source = ?2 AND subject_key = ?3";
const INSERT: &str = "INSERT INTO drift SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 \
     WHERE (SELECT count(*) FROM drift) < ?10";
const FORGET: &str = "DELETE FROM drift WHERE changed_at < ?1";

pub(super) async fn round(db: &Sqlite, limit: usize) -> Result<Option<DriftRound>, StoreError> {
    db.read(move |conn| {
        let from: i64 = one(conn, SEEN, [], |row| row.get(0))?.unwrap_or(0);
        let sql =
            format!("SELECT {SEEN_COLUMNS} FROM event WHERE seq > ?1 ORDER BY seq LIMIT {limit}");
        let rows = all(conn, &sql, [from], sighting)?;
        let Some(to) = rows.last().map(|row| row.seq) else {
            return Ok(None);
        };
        let passed = rows.len();
        let mut sightings = Vec::with_capacity(passed);
        for row in rows {
            sightings.extend(row.read()?);
        }
        let keys: BTreeSet<WatchedKey> = sightings.iter().map(|one| one.key).collect();
        let mut known = Vec::with_capacity(keys.len());
        for key in keys {
            known.extend(find(conn, &key)?);
        }
        Ok(Some(DriftRound {
            from,
            to,
            passed,
            sightings,
            known,
        }))
    })
    .await
}

fn find(conn: &Connection, key: &WatchedKey) -> Result<Option<Watched>, StoreError> {
    let sql = format!(
        "SELECT {WATCHED_COLUMNS} FROM drift WHERE company = ?1 AND source = ?2 AND subject_key = ?3"
    );
    let key = (key.company_column(), key.source.to_bytes(), key.subject);
    one(conn, &sql, key, watched)?
        .map(Watched::try_from)
        .transpose()
}

pub(super) async fn keep(
    db: &Sqlite,
    (from, to): (i64, i64),
    changed: Vec<Watched>,
    before: Timestamp,
) -> Result<bool, StoreError> {
    db.write(Care::Guarded, move |conn| {
        if run(conn, MOVE, [from, to])? == 0 {
            return Ok(false);
        }
        run(conn, FORGET, [before.micros()])?;
        for one in &changed {
            let (company, source) = (one.key.company_column(), one.key.source.to_bytes());
            let (state, opened_at) = (to_json(&one.state), one.opened_at.map(Timestamp::micros));
            let (misses, at) = (
                join_ids(one.misses.iter().copied().map(EventId::to_bytes)),
                one.changed_at.micros(),
            );
            let known = run(
                conn,
                UPDATE,
                params![
                    company,
                    source,
                    one.key.subject,
                    one.subject,
                    one.kind,
                    state,
                    misses,
                    opened_at,
                    at
                ],
            )?;
            if known == 0 {
                run(
                    conn,
                    INSERT,
                    params![
                        company,
                        source,
                        one.key.subject,
                        one.subject,
                        one.kind,
                        state,
                        misses,
                        opened_at,
                        at,
                        WATCHED
                    ],
                )?;
            }
        }
        Ok(true)
    })
    .await
}

pub(super) async fn open(
    db: &Sqlite,
    scope: &Scope,
    most: u16,
) -> Result<Vec<Watched>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("opened_at IS NOT NULL", []);
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT {WATCHED_COLUMNS} FROM drift{} ORDER BY opened_at DESC LIMIT {most}",
        clauses.sql()
    );
    let rows = db
        .read(move |conn| all(conn, &sql, params_from_iter(clauses.into_values()), watched))
        .await?;
    rows.into_iter().map(Watched::try_from).collect()
}

fn sighting(row: &Row<'_>) -> rusqlite::Result<SightingRow> {
    Ok(SightingRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        company: row.get(2)?,
        source: row.get(3)?,
        subject: row.get(4)?,
        kind: row.get(5)?,
        matched: row.get(6)?,
        received_at: row.get(7)?,
    })
}

fn watched(row: &Row<'_>) -> rusqlite::Result<WatchedRow> {
    Ok(WatchedRow {
        company: row.get(0)?,
        source: row.get(1)?,
        subject_key: row.get(2)?,
        subject: row.get(3)?,
        kind: row.get(4)?,
        state: row.get(5)?,
        misses: row.get(6)?,
        opened_at: row.get(7)?,
        changed_at: row.get(8)?,
    })
}

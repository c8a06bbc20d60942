//! Watched subjects on PostgreSQL.

use std::collections::BTreeSet;

use deadpool_postgres::Client;
use domain::access::Scope;
use domain::{EventId, Timestamp};
use tokio_postgres::Row;

use super::{
    DriftRound, SEEN_COLUMNS, SightingRow, WATCHED, WATCHED_COLUMNS, Watched, WatchedKey,
    WatchedRow,
};
use crate::StoreError;
use crate::codec::{join_ids, to_json};
use crate::postgres::{Clauses, Failure, Postgres, Work, all, finished, one, retried, run};

const SEEN: &str = "SELECT seq FROM drift_seen";
const MOVE: &str = "UPDATE drift_seen SET seq = $2 WHERE seq = $1";
const UPDATE: &str = "UPDATE drift SET subject = $4, kind = $5, state = $6, misses = $7, opened_at = $8, changed_at = $9 \
     WHERE company = $1 AND source = $2 AND subject_key = $3";
const INSERT: &str = "INSERT INTO drift \
     SELECT $1::bytea, $2::bytea, $3::bytea, $4::text, $5::text, $6::text, $7::bytea, $8::bigint, $9::bigint \
     WHERE (SELECT count(*) FROM drift) < $10";
const FORGET: &str = "DELETE FROM drift WHERE changed_at < $1";

pub(super) async fn round(db: &Postgres, limit: usize) -> Result<Option<DriftRound>, StoreError> {
    let client = db.client().await?;
    let from: i64 = one(&client, SEEN, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let finished = finished(&client).await?;
    let sql = format!(
        "SELECT {SEEN_COLUMNS} FROM event WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT {limit}"
    );
    let rows = all(&client, &sql, &[&from, &finished], sighting).await?;
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
        known.extend(find(&client, &key).await?);
    }
    Ok(Some(DriftRound {
        from,
        to,
        passed,
        sightings,
        known,
    }))
}

async fn find(client: &Client, key: &WatchedKey) -> Result<Option<Watched>, StoreError> {
    let sql = format!(
        "SELECT {WATCHED_COLUMNS} FROM drift WHERE company = $1 AND source = $2 AND subject_key = $3"
    );
    let (company, source) = (key.company_column(), key.source.to_bytes());
    let params: [&[u8]; 3] = [&company, &source, &key.subject];
    one(client, &sql, &[&params[0], &params[1], &params[2]], watched)
        .await?
        .map(Watched::try_from)
        .transpose()
}

pub(super) async fn keep(
    db: &Postgres,
    moved: (i64, i64),
    changed: Vec<Watched>,
    before: Timestamp,
) -> Result<bool, StoreError> {
    retried!(keep_once(db, moved, &changed, before))
}

async fn keep_once(
    db: &Postgres,
    moved: (i64, i64),
    changed: &[Watched],
    before: Timestamp,
) -> Result<bool, Failure> {
    let work = db.begin().await?;
    let outcome = write(&work, moved, changed, before).await;
    work.end(outcome).await
}

async fn write(
    work: &Work,
    (from, to): (i64, i64),
    changed: &[Watched],
    before: Timestamp,
) -> Result<bool, Failure> {
    if run(work, MOVE, &[&from, &to]).await? == 0 {
        return Ok(false);
    }
    run(work, FORGET, &[&before.micros()]).await?;
    for one in changed {
        let (company, source) = (one.key.company_column(), one.key.source.to_bytes());
        let keys: [&[u8]; 3] = [&company, &source, &one.key.subject];
        let (state, opened_at) = (to_json(&one.state), one.opened_at.map(Timestamp::micros));
        let misses = join_ids(one.misses.iter().copied().map(EventId::to_bytes));
        let at = one.changed_at.micros();
        let [company, source, subject] = &keys;
        let known = run(
            work,
            UPDATE,
            &[
                company,
                source,
                subject,
                &one.subject,
                &one.kind,
                &state,
                &misses,
                &opened_at,
                &at,
            ],
        )
        .await?;
        if known == 0 {
            let most = i64::from(WATCHED);
            run(
                work,
                INSERT,
                &[
                    company,
                    source,
                    subject,
                    &one.subject,
                    &one.kind,
                    &state,
                    &misses,
                    &opened_at,
                    &at,
                    &most,
                ],
            )
            .await?;
        }
    }
    Ok(true)
}

pub(super) async fn open(
    db: &Postgres,
    scope: &Scope,
    most: u16,
) -> Result<Vec<Watched>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_plain("opened_at IS NOT NULL");
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT {WATCHED_COLUMNS} FROM drift{} ORDER BY opened_at DESC LIMIT {most}",
        clauses.sql()
    );
    let rows = all(&db.client().await?, &sql, &clauses.values(), watched).await?;
    rows.into_iter().map(Watched::try_from).collect()
}

fn sighting(row: &Row) -> Result<SightingRow, tokio_postgres::Error> {
    Ok(SightingRow {
        seq: row.try_get(0)?,
        id: row.try_get(1)?,
        company: row.try_get(2)?,
        source: row.try_get(3)?,
        subject: row.try_get(4)?,
        kind: row.try_get(5)?,
        matched: row.try_get(6)?,
        received_at: row.try_get(7)?,
    })
}

fn watched(row: &Row) -> Result<WatchedRow, tokio_postgres::Error> {
    Ok(WatchedRow {
        company: row.try_get(0)?,
        source: row.try_get(1)?,
        subject_key: row.try_get(2)?,
        subject: row.try_get(3)?,
        kind: row.try_get(4)?,
        state: row.try_get(5)?,
        misses: row.try_get(6)?,
        opened_at: row.try_get(7)?,
        changed_at: row.try_get(8)?,
    })
}

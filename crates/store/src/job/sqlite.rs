//! Jobs on SQLite.

mod import;
mod reread;
mod step;

use std::time::Duration;

use delivery::replay::{Asked, JobState, UNFINISHED};
use domain::access::{Actor, Scope};
use domain::{CompanyId, JobId, NodeId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde_json::json;

pub(super) use import::{begin_import, drop_findings, findings, keep_findings};
pub(super) use step::{fail, work};

use super::row::{
    COLUMNS, IMPORT, JobColumns, NewRow, REREAD, number, parts_of, read_parts, write_parts,
};
use super::{Item, Job, JobKind, JobLease, NewJob, Steered};
use crate::audit::{NewAudit, write_sqlite};
use crate::codec::to_json;
use crate::sqlite::{Care, Clauses, Sqlite, all, blob, one, run};
use crate::{PageAt, StoreError};
use import::REMOVE_FINDINGS;

const COUNT_UNFINISHED: &str = "SELECT count(*) FROM job WHERE state IN ('running', 'paused')";
const INSERT: &str = "INSERT INTO job (id, spec, everyone, state, rate, size, cursor, total, done, skipped, failed, actor, \
     created_at, changed_at, number, until, tally, once, once_digest) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, ?8, ?9, ?10, ?11, ?11, 0, 0, ?12, ?13, ?14)";
const INSERT_PART: &str = "INSERT INTO job_part VALUES (?1, ?2, ?3)";
const INSERT_COMPANY: &str = "INSERT OR IGNORE INTO job_company VALUES (?1, ?2)";
const COMPANIES: &str = "SELECT company FROM job_company WHERE job = ?1";
const STEER: &str = "UPDATE job SET state = ?2, changed_at = ?3, ended_at = ?4, node = NULL, until = 0 WHERE id = ?1";
const REMOVE_PARTS: &str = "DELETE FROM job_part WHERE job = ?1";
const TAKE: &str = "UPDATE job SET node = ?1, number = number + 1, until = ?2 \
     WHERE state = 'running' AND (node IS NULL OR node = ?1 OR until <= ?3) RETURNING id, number";
const RELEASE: &str = "UPDATE job SET node = NULL, until = 0 WHERE id = ?1 AND number = ?2";
const PARTS: &str =
    "SELECT items FROM job_part WHERE job = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number";

pub(super) async fn begin(
    db: &Sqlite,
    job: NewJob,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (parts, actor) = (write_parts(&job.listed.items), actor.clone());
    let notices = std::sync::Arc::clone(&db.notices);
    let work = move |conn: &Connection| {
        if is_full(conn)? {
            return Ok(false);
        }
        let row = NewRow::of_job(&job);
        insert(conn, &row, &actor, now)?;
        for (place, part) in parts.iter().enumerate() {
            run(
                conn,
                INSERT_PART,
                (row.id.to_bytes(), number(place as u64), part),
            )?;
        }
        Ok(true)
    };
    let after = move |begun: &bool| {
        if *begun {
            notices.ring_jobs();
        }
    };
    db.write_then(Care::Guarded, work, after).await
}

/// Whether as many jobs as may be have not ended yet.
fn is_full(conn: &Connection) -> Result<bool, StoreError> {
    let unfinished: u32 = one(conn, COUNT_UNFINISHED, [], |row| row.get(0))?.unwrap_or(0);
    Ok(unfinished >= UNFINISHED)
}

/// The job itself, with its line in the audit log.
fn insert(
    conn: &Connection,
    row: &NewRow<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = row.id.to_bytes();
    conn.prepare_cached(INSERT)?.execute(params![
        id,
        row.spec,
        *row.scope == Scope::All,
        JobState::Running.as_str(),
        row.rate.get(),
        number(row.size),
        number(row.total),
        number(row.skipped),
        number(row.failed),
        to_json(actor),
        now.micros(),
        row.tally,
        row.once.map(|once| once.key.as_str()),
        row.once.map(|once| once.digest),
    ])?;
    if let Scope::Companies(companies) = row.scope {
        for company in companies {
            run(conn, INSERT_COMPANY, (id, company.to_bytes()))?;
        }
    }
    note(conn, (row.kind, row.id), actor, "start", &row.begun(), now)
}

/// A line of the audit log about a job.
fn note(
    conn: &Connection,
    (kind, id): (JobKind, JobId),
    actor: &Actor,
    action: &'static str,
    detail: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let line = NewAudit::new(now, actor, action, kind.as_str(), id.to_string(), detail);
    write_sqlite(conn, &line, epoch(conn)?)
}

/// What a job takes goes with its end.
fn remove_items(conn: &Connection, id: JobId) -> Result<(), StoreError> {
    run(conn, REMOVE_PARTS, [id.to_bytes()])?;
    run(conn, REMOVE_FINDINGS, [id.to_bytes()])?;
    Ok(())
}

fn epoch(conn: &Connection) -> Result<i64, StoreError> {
    let epoch: Option<i64> = one(conn, "SELECT number FROM epoch", [], |row| row.get(0))?;
    Ok(epoch.unwrap_or(0))
}

/// Only jobs whose makers could see no more than the scope does.
fn within(clauses: &mut Clauses, scope: &Scope) {
    if let Scope::Companies(companies) = scope {
        let places = vec!["?"; companies.len()].join(",");
        let condition = format!(
            "NOT everyone AND NOT EXISTS \
             (SELECT 1 FROM job_company c WHERE c.job = job.id AND c.company NOT IN ({places}))"
        );
        let values = companies.iter().map(|id| Value::Blob(id.to_bytes().into()));
        clauses.and(&condition, values);
    }
}

fn select(conn: &Connection, clauses: Clauses, tail: &str) -> Result<Vec<Job>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM job{} {tail}", clauses.sql());
    let rows = all(conn, &sql, params_from_iter(clauses.into_values()), columns)?;
    rows.into_iter()
        .map(|row| {
            let companies = all(conn, COMPANIES, [&row.id], |row| {
                Ok(CompanyId::from_bytes(row.get(0)?))
            })?;
            row.read(companies)
        })
        .collect()
}

fn of_kind(kind: JobKind, clauses: &mut Clauses) {
    let text = |words: &str| Value::Text(words.to_owned());
    match kind {
        JobKind::Replay => clauses.and(
            "spec NOT LIKE ? AND spec NOT LIKE ?",
            [REREAD, IMPORT].map(text),
        ),
        JobKind::Reread => clauses.and("spec LIKE ?", [text(REREAD)]),
        JobKind::Import => clauses.and("spec LIKE ?", [text(IMPORT)]),
    }
}

fn columns(row: &Row<'_>) -> rusqlite::Result<JobColumns> {
    Ok(JobColumns {
        id: row.get(0)?,
        spec: row.get(1)?,
        everyone: row.get(2)?,
        state: row.get(3)?,
        rate: row.get(4)?,
        size: row.get(5)?,
        cursor: row.get(6)?,
        total: row.get(7)?,
        done: row.get(8)?,
        skipped: row.get(9)?,
        failed: row.get(10)?,
        actor: row.get(11)?,
        error: row.get(12)?,
        created_at: row.get(13)?,
        changed_at: row.get(14)?,
        ended_at: row.get(15)?,
        tally: row.get(16)?,
    })
}

fn find(conn: &Connection, scope: &Scope, id: JobId) -> Result<Option<Job>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_some("id = ?", blob(Some(id.to_bytes())));
    within(&mut clauses, scope);
    Ok(select(conn, clauses, "LIMIT 1")?.into_iter().next())
}

pub(super) async fn job(db: &Sqlite, scope: &Scope, id: JobId) -> Result<Option<Job>, StoreError> {
    let scope = scope.clone();
    db.read(move |conn| find(conn, &scope, id)).await
}

pub(super) async fn jobs(
    db: &Sqlite,
    scope: &Scope,
    kind: JobKind,
    at: &PageAt,
) -> Result<Vec<Job>, StoreError> {
    let mut clauses = Clauses::default();
    of_kind(kind, &mut clauses);
    clauses.and_some("id < ?", blob(at.after_id()?));
    within(&mut clauses, scope);
    let tail = format!("ORDER BY id DESC LIMIT {}", u32::from(at.limit()) + 1);
    db.read(move |conn| select(conn, clauses, &tail)).await
}

pub(super) async fn steer(
    db: &Sqlite,
    scope: &Scope,
    id: JobId,
    asked: Asked,
    actor: &Actor,
    now: Timestamp,
) -> Result<Steered, StoreError> {
    let (scope, actor) = (scope.clone(), actor.clone());
    let notices = std::sync::Arc::clone(&db.notices);
    let work = move |conn: &Connection| {
        let Some(job) = find(conn, &scope, id)? else {
            return Ok(Steered::NotFound);
        };
        let Some(state) = job.state.after(asked) else {
            return Ok(Steered::Ended(job.state));
        };
        if state != job.state {
            let ended_at = state.has_ended().then(|| now.micros());
            let row = (id.to_bytes(), state.as_str(), now.micros(), ended_at);
            run(conn, STEER, row)?;
            if state.has_ended() {
                remove_items(conn, id)?;
            }
            let behind = json!({"done": job.progress.done, "left": job.progress.left()});
            note(
                conn,
                (job.spec.kind(), id),
                &actor,
                asked.as_str(),
                &behind,
                now,
            )?;
        }
        let job = find(conn, &scope, id)?;
        Ok(job.map_or(Steered::NotFound, |job| Steered::Now(Box::new(job))))
    };
    let after = move |_: &Steered| notices.ring_jobs();
    db.write_then(Care::Guarded, work, after).await
}

pub(super) async fn take(
    db: &Sqlite,
    node: NodeId,
    ttl: Duration,
    now: Timestamp,
) -> Result<Vec<(JobLease, Job)>, StoreError> {
    // With nothing to take, which is nearly always, the writer is left alone.
    let is_some = db
        .read(|conn| {
            one(
                conn,
                "SELECT 1 FROM job WHERE state = 'running'",
                [],
                |_| Ok(()),
            )
        })
        .await?;
    if is_some.is_none() {
        return Ok(Vec::new());
    }
    let row = (node.to_bytes(), now.after(ttl).micros(), now.micros());
    db.write(Care::Guarded, move |conn| {
        let taken: Vec<(JobId, i64)> = all(conn, TAKE, row, |row| {
            Ok((JobId::from_bytes(row.get(0)?), row.get(1)?))
        })?;
        let mut jobs = Vec::with_capacity(taken.len());
        for (id, number) in taken {
            if let Some(job) = find(conn, &Scope::All, id)? {
                jobs.push((JobLease { job: id, number }, job));
            }
        }
        Ok(jobs)
    })
    .await
}

pub(super) async fn release(db: &Sqlite, held: &[JobLease]) -> Result<(), StoreError> {
    let held = held.to_vec();
    db.write(Care::Guarded, move |conn| {
        held.iter().try_for_each(|lease| {
            run(conn, RELEASE, (lease.job.to_bytes(), lease.number)).map(drop)
        })
    })
    .await
}

pub(super) async fn items(
    db: &Sqlite,
    id: JobId,
    from: u64,
    most: usize,
) -> Result<Vec<Item>, StoreError> {
    let (first, before, last) = parts_of(from, most);
    let parts: Vec<Vec<u8>> = db
        .read(move |conn| all(conn, PARTS, (id.to_bytes(), first, last), |row| row.get(0)))
        .await?;
    read_parts(id, &parts, before, most)
}

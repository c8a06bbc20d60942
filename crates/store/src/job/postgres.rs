//! Jobs on PostgreSQL. The end of a lease is told by the server's clock, as for integrations.

mod import;
mod reread;
mod step;

use std::time::Duration;

use deadpool_postgres::Client;
use delivery::replay::{Asked, JobState, UNFINISHED};
use domain::access::{Actor, Scope};
use domain::{CompanyId, JobId, NodeId, Timestamp};
use serde_json::json;
use tokio_postgres::Row;

pub(super) use import::{begin_import, drop_findings, findings, keep_findings};
pub(super) use step::{fail, work};

use super::row::{
    COLUMNS, IMPORT, JobColumns, NewRow, REREAD, number, parts_of, read_parts, write_parts,
};
use super::{Item, Job, JobKind, JobLease, NewJob, Steered};
use crate::audit::{NewAudit, write_postgres};
use crate::codec::{fixed, to_json};
use crate::postgres::{
    CHANNEL, CLOCK, Clauses, Failure, News, Postgres, SEND_NEWS, Work, all, lock_jobs, one,
    retried, run, sound,
};
use crate::{PageAt, StoreError};
use import::REMOVE_FINDINGS;

const COUNT_UNFINISHED: &str = "SELECT count(*) FROM job WHERE state IN ('running', 'paused')";
const INSERT: &str = "INSERT INTO job (id, spec, everyone, state, rate, size, cursor, total, done, skipped, failed, actor, \
     created_at, changed_at, number, until, tally, once, once_digest) \
     VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, $8, $9, $10, $11, $11, 0, 0, $12, $13, $14)";
const INSERT_PART: &str = "INSERT INTO job_part VALUES ($1, $2, $3)";
const INSERT_COMPANIES: &str =
    "INSERT INTO job_company SELECT $1::bytea, * FROM unnest($2::bytea[]) ON CONFLICT DO NOTHING";
const COMPANIES: &str = "SELECT company FROM job_company WHERE job = $1";
const STEER: &str = "UPDATE job SET state = $2, changed_at = $3, ended_at = $4, node = NULL, until = 0 WHERE id = $1";
const REMOVE_PARTS: &str = "DELETE FROM job_part WHERE job = $1";
const RELEASE: &str = "UPDATE job SET node = NULL, until = 0 WHERE id = $1 AND number = $2";
const PARTS: &str =
    "SELECT items FROM job_part WHERE job = $1 AND number BETWEEN $2 AND $3 ORDER BY number";

pub(super) async fn begin(
    db: &Postgres,
    job: NewJob,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let parts = write_parts(&job.listed.items);
    let begun = retried!(begin_once(db, &job, &parts, actor, now))?;
    if begun {
        db.notices.ring_jobs();
    }
    Ok(begun)
}

async fn begin_once(
    db: &Postgres,
    job: &NewJob,
    parts: &[Vec<u8>],
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, Failure> {
    let work = db.begin().await?;
    let outcome = begin_in(db, &work, job, parts, actor, now).await;
    work.end(outcome).await
}

async fn begin_in(
    db: &Postgres,
    work: &Work,
    job: &NewJob,
    parts: &[Vec<u8>],
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, Failure> {
    lock_jobs(work).await?;
    if is_full(work).await? {
        return Ok(false);
    }
    let row = NewRow::of_job(job);
    insert(db, work, &row, actor, now).await?;
    let id = row.id.to_bytes().to_vec();
    for (place, part) in parts.iter().enumerate() {
        run(work, INSERT_PART, &[&id, &number(place as u64), part]).await?;
    }
    Ok(true)
}

/// Whether as many jobs as may be have not ended yet. The lock under which jobs are begun is held.
async fn is_full(work: &Work) -> Result<bool, Failure> {
    let unfinished: Option<i64> = one(work, COUNT_UNFINISHED, &[], |row| row.try_get(0)).await?;
    Ok(unfinished.unwrap_or(0) >= i64::from(UNFINISHED))
}

/// The job itself, with its line in the audit log, and the news of it.
async fn insert(
    db: &Postgres,
    work: &Work,
    row: &NewRow<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), Failure> {
    let id = row.id.to_bytes().to_vec();
    let maker = to_json(actor);
    let rate = i32::try_from(row.rate.get()).unwrap_or(i32::MAX);
    run(
        work,
        INSERT,
        &[
            &id,
            &sound(&row.spec),
            &(*row.scope == Scope::All),
            &JobState::Running.as_str(),
            &rate,
            &number(row.size),
            &number(row.total),
            &number(row.skipped),
            &number(row.failed),
            &sound(&maker),
            &now.micros(),
            &row.tally,
            &row.once.map(|once| once.key.as_str()),
            &row.once.map(|once| once.digest.to_vec()),
        ],
    )
    .await?;
    if let Scope::Companies(companies) = row.scope {
        let companies: Vec<Vec<u8>> = companies.iter().map(|id| id.to_bytes().into()).collect();
        run(work, INSERT_COMPANIES, &[&id, &companies]).await?;
    }
    note(work, (row.kind, row.id), actor, "start", &row.begun(), now).await?;
    tell(db, work).await
}

/// What a job takes goes with its end.
async fn remove_items(work: &Work, id: JobId) -> Result<(), Failure> {
    let id = id.to_bytes().to_vec();
    run(work, REMOVE_PARTS, &[&id]).await?;
    run(work, REMOVE_FINDINGS, &[&id]).await?;
    Ok(())
}

/// Tells the other nodes that there is a job to be worked.
async fn tell(db: &Postgres, work: &Work) -> Result<(), Failure> {
    let news = News {
        jobs: true,
        ..db.news()
    };
    run(work, SEND_NEWS, &[&CHANNEL, &news.write()])
        .await
        .map(drop)
}

/// A line of the audit log about a job.
async fn note(
    work: &Work,
    (kind, id): (JobKind, JobId),
    actor: &Actor,
    action: &'static str,
    detail: &serde_json::Value,
    now: Timestamp,
) -> Result<(), Failure> {
    let epoch: Option<i64> =
        one(work, "SELECT number FROM epoch", &[], |row| row.try_get(0)).await?;
    let line = NewAudit::new(now, actor, action, kind.as_str(), id.to_string(), detail);
    write_postgres(work, &line, epoch.unwrap_or(0)).await
}

/// Only jobs whose makers could see no more than the scope does.
fn within(clauses: &mut Clauses, scope: &Scope) {
    if let Scope::Companies(companies) = scope {
        let companies: Vec<Vec<u8>> = companies.iter().map(|id| id.to_bytes().into()).collect();
        clauses.and(
            "NOT everyone AND NOT EXISTS \
             (SELECT 1 FROM job_company c WHERE c.job = job.id AND NOT c.company = ANY(?::bytea[]))",
            companies,
        );
    }
}

async fn select(client: &Client, clauses: &Clauses, tail: &str) -> Result<Vec<Job>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM job{} {tail}", clauses.sql());
    let rows = all(client, &sql, &clauses.values(), columns).await?;
    let mut jobs = Vec::with_capacity(rows.len());
    for row in rows {
        let companies = all(client, COMPANIES, &[&row.id], |row| {
            row.try_get::<_, Vec<u8>>(0)
        })
        .await?;
        let companies = companies
            .iter()
            .map(|id| Ok(CompanyId::from_bytes(fixed("job_company", &row.id, id)?)))
            .collect::<Result<_, StoreError>>()?;
        jobs.push(row.read(companies)?);
    }
    Ok(jobs)
}

fn of_kind(kind: JobKind, clauses: &mut Clauses) {
    match kind {
        JobKind::Replay => {
            clauses.and("spec NOT LIKE ?", REREAD);
            clauses.and("spec NOT LIKE ?", IMPORT);
        }
        JobKind::Reread => clauses.and("spec LIKE ?", REREAD),
        JobKind::Import => clauses.and("spec LIKE ?", IMPORT),
    }
}

fn columns(row: &Row) -> Result<JobColumns, tokio_postgres::Error> {
    Ok(JobColumns {
        id: row.try_get(0)?,
        spec: row.try_get(1)?,
        everyone: row.try_get(2)?,
        state: row.try_get(3)?,
        rate: row.try_get(4)?,
        size: row.try_get(5)?,
        cursor: row.try_get(6)?,
        total: row.try_get(7)?,
        done: row.try_get(8)?,
        skipped: row.try_get(9)?,
        failed: row.try_get(10)?,
        actor: row.try_get(11)?,
        error: row.try_get(12)?,
        created_at: row.try_get(13)?,
        changed_at: row.try_get(14)?,
        ended_at: row.try_get(15)?,
        tally: row.try_get(16)?,
    })
}

async fn find(
    client: &Client,
    scope: &Scope,
    id: JobId,
    tail: &str,
) -> Result<Option<Job>, Failure> {
    let mut clauses = Clauses::default();
    clauses.and("id = ?", id.to_bytes().to_vec());
    within(&mut clauses, scope);
    Ok(select(client, &clauses, tail).await?.into_iter().next())
}

pub(super) async fn job(
    db: &Postgres,
    scope: &Scope,
    id: JobId,
) -> Result<Option<Job>, StoreError> {
    Ok(find(&db.client().await?, scope, id, "LIMIT 1").await?)
}

pub(super) async fn jobs(
    db: &Postgres,
    scope: &Scope,
    kind: JobKind,
    at: &PageAt,
) -> Result<Vec<Job>, StoreError> {
    let mut clauses = Clauses::default();
    of_kind(kind, &mut clauses);
    clauses.and_some("id < ?", at.after_id()?.map(Vec::from));
    within(&mut clauses, scope);
    let tail = format!("ORDER BY id DESC LIMIT {}", u32::from(at.limit()) + 1);
    Ok(select(&db.client().await?, &clauses, &tail).await?)
}

pub(super) async fn steer(
    db: &Postgres,
    scope: &Scope,
    id: JobId,
    asked: Asked,
    actor: &Actor,
    now: Timestamp,
) -> Result<Steered, StoreError> {
    let steered = retried!(steer_once(db, scope, id, asked, actor, now))?;
    db.notices.ring_jobs();
    Ok(steered)
}

async fn steer_once(
    db: &Postgres,
    scope: &Scope,
    id: JobId,
    asked: Asked,
    actor: &Actor,
    now: Timestamp,
) -> Result<Steered, Failure> {
    let work = db.begin().await?;
    let outcome = order(db, &work, scope, id, asked, actor, now).await;
    work.end(outcome).await
}

async fn order(
    db: &Postgres,
    work: &Work,
    scope: &Scope,
    id: JobId,
    asked: Asked,
    actor: &Actor,
    now: Timestamp,
) -> Result<Steered, Failure> {
    let Some(job) = find(work, scope, id, "FOR UPDATE").await? else {
        return Ok(Steered::NotFound);
    };
    let Some(state) = job.state.after(asked) else {
        return Ok(Steered::Ended(job.state));
    };
    if state != job.state {
        let id = id.to_bytes().to_vec();
        let ended_at = state.has_ended().then(|| now.micros());
        run(
            work,
            STEER,
            &[&id, &state.as_str(), &now.micros(), &ended_at],
        )
        .await?;
        if state.has_ended() {
            remove_items(work, job.id).await?;
        }
        let behind = json!({"done": job.progress.done, "left": job.progress.left()});
        note(
            work,
            (job.spec.kind(), job.id),
            actor,
            asked.as_str(),
            &behind,
            now,
        )
        .await?;
        tell(db, work).await?;
    }
    let job = find(work, scope, id, "").await?;
    Ok(job.map_or(Steered::NotFound, |job| Steered::Now(Box::new(job))))
}

pub(super) async fn take(
    db: &Postgres,
    node: NodeId,
    ttl: Duration,
) -> Result<Vec<(JobLease, Job)>, StoreError> {
    let take = format!(
        "UPDATE job j SET node = $1, number = j.number + 1, until = {CLOCK} + $2 \
         FROM (SELECT id FROM job WHERE state = 'running' \
         AND (node IS NULL OR node = $1 OR until <= {CLOCK}) ORDER BY id FOR UPDATE) free \
         WHERE j.id = free.id RETURNING j.id, j.number"
    );
    let micros = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX / 4);
    let node = node.to_bytes().to_vec();
    let client = db.client().await?;
    let taken: Vec<(Vec<u8>, i64)> = retried!(all(&client, &take, &[&node, &micros], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }))?;
    let mut jobs = Vec::with_capacity(taken.len());
    for (id, number) in taken {
        let id = JobId::from_bytes(fixed("job", &id, &id)?);
        if let Some(job) = find(&client, &Scope::All, id, "LIMIT 1").await? {
            jobs.push((JobLease { job: id, number }, job));
        }
    }
    Ok(jobs)
}

pub(super) async fn release(db: &Postgres, held: &[JobLease]) -> Result<(), StoreError> {
    let client = db.client().await?;
    for lease in held {
        run(
            &client,
            RELEASE,
            &[&&lease.job.to_bytes()[..], &lease.number],
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn items(
    db: &Postgres,
    id: JobId,
    from: u64,
    most: usize,
) -> Result<Vec<Item>, StoreError> {
    let (first, before, last) = parts_of(from, most);
    let client = db.client().await?;
    let parts: Vec<Vec<u8>> = all(
        &client,
        PARTS,
        &[&&id.to_bytes()[..], &first, &last],
        |row| row.try_get(0),
    )
    .await?;
    read_parts(id, &parts, before, most)
}

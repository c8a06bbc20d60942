//! Imports on PostgreSQL.

use domain::access::Actor;
use domain::finding::Finding;
use domain::{JobId, Timestamp};

use super::super::import::{Begun, NewImport, Once};
use super::super::row::{NewRow, number};
use super::{insert, is_full};
use crate::StoreError;
use crate::codec::{fixed, of_json};
use crate::postgres::{Failure, Postgres, Work, lock_jobs, one, retried, run, sound};

const KEEP: &str = "INSERT INTO job_finding VALUES ($1, $2, $3)";
pub(super) const REMOVE_FINDINGS: &str = "DELETE FROM job_finding WHERE job = $1";
const FINDINGS: &str = "SELECT findings FROM job_finding WHERE job = $1 AND number = $2";
const BEFORE: &str = "SELECT id, once_digest FROM job WHERE once = $1";

pub(in super::super) async fn keep_findings(
    db: &Postgres,
    id: JobId,
    first: u64,
    batches: &[String],
) -> Result<(), StoreError> {
    retried!(keep_once(db, id, first, batches))
}

async fn keep_once(
    db: &Postgres,
    id: JobId,
    first: u64,
    batches: &[String],
) -> Result<(), Failure> {
    let work = db.begin().await?;
    let outcome = keep(&work, id, first, batches).await;
    work.end(outcome).await
}

async fn keep(work: &Work, id: JobId, first: u64, batches: &[String]) -> Result<(), Failure> {
    let id = id.to_bytes().to_vec();
    for (place, batch) in batches.iter().enumerate() {
        let place = number(first + place as u64);
        run(work, KEEP, &[&id, &place, &sound(batch)]).await?;
    }
    Ok(())
}

pub(in super::super) async fn drop_findings(db: &Postgres, id: JobId) -> Result<(), StoreError> {
    let client = db.client().await?;
    run(&client, REMOVE_FINDINGS, &[&&id.to_bytes()[..]]).await?;
    Ok(())
}

pub(in super::super) async fn begin_import(
    db: &Postgres,
    import: &NewImport,
    actor: &Actor,
    now: Timestamp,
) -> Result<Begun, StoreError> {
    let begun = retried!(begin_once(db, import, actor, now))?;
    if begun == Begun::Now {
        db.notices.ring_jobs();
    }
    Ok(begun)
}

async fn begin_once(
    db: &Postgres,
    import: &NewImport,
    actor: &Actor,
    now: Timestamp,
) -> Result<Begun, Failure> {
    let work = db.begin().await?;
    let outcome = begin(db, &work, import, actor, now).await;
    work.end(outcome).await
}

async fn begin(
    db: &Postgres,
    work: &Work,
    import: &NewImport,
    actor: &Actor,
    now: Timestamp,
) -> Result<Begun, Failure> {
    // Under the lock two requests of one key come one after the other.
    lock_jobs(work).await?;
    let refused = match before(work, import.once.as_ref()).await? {
        Some(begun) => Some(begun),
        None => is_full(work).await?.then_some(Begun::Full),
    };
    if let Some(begun) = refused {
        run(work, REMOVE_FINDINGS, &[&&import.id.to_bytes()[..]]).await?;
        return Ok(begun);
    }
    insert(db, work, &NewRow::of_import(import), actor, now).await?;
    Ok(Begun::Now)
}

/// What the same key has begun before.
async fn before(work: &Work, once: Option<&Once>) -> Result<Option<Begun>, Failure> {
    let Some(once) = once else { return Ok(None) };
    let found: Option<(Vec<u8>, Vec<u8>)> = one(work, BEFORE, &[&once.key], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;
    let Some((id, digest)) = found else {
        return Ok(None);
    };
    let id = JobId::from_bytes(fixed("job", &id, &id)?);
    Ok(Some(once.met(id, &digest)))
}

pub(in super::super) async fn findings(
    db: &Postgres,
    id: JobId,
    batch: u64,
) -> Result<Vec<Finding>, StoreError> {
    let client = db.client().await?;
    let id = id.to_bytes().to_vec();
    let text: Option<String> = one(&client, FINDINGS, &[&id, &number(batch)], |row| {
        row.try_get(0)
    })
    .await?;
    of_json("job_finding", &id, text.as_deref().unwrap_or("[]"))
}

//! Imports on SQLite.

use domain::access::Actor;
use domain::finding::Finding;
use domain::{JobId, Timestamp};
use rusqlite::Connection;

use super::super::import::{Begun, NewImport, Once};
use super::super::row::{NewRow, number};
use super::{insert, is_full};
use crate::StoreError;
use crate::codec::of_json;
use crate::sqlite::{Care, Sqlite, one, run};

const KEEP: &str = "INSERT INTO job_finding VALUES (?1, ?2, ?3)";
pub(super) const REMOVE_FINDINGS: &str = "DELETE FROM job_finding WHERE job = ?1";
const FINDINGS: &str = "SELECT findings FROM job_finding WHERE job = ?1 AND number = ?2";
const BEFORE: &str = "SELECT id, once_digest FROM job WHERE once = ?1";

pub(in super::super) async fn keep_findings(
    db: &Sqlite,
    id: JobId,
    first: u64,
    batches: Vec<String>,
) -> Result<(), StoreError> {
    db.write(Care::Guarded, move |conn| {
        for (place, batch) in batches.iter().enumerate() {
            let row = (id.to_bytes(), number(first + place as u64), batch);
            run(conn, KEEP, row)?;
        }
        Ok(())
    })
    .await
}

pub(in super::super) async fn drop_findings(db: &Sqlite, id: JobId) -> Result<(), StoreError> {
    db.write(Care::Guarded, move |conn| {
        run(conn, REMOVE_FINDINGS, [id.to_bytes()]).map(drop)
    })
    .await
}

pub(in super::super) async fn begin_import(
    db: &Sqlite,
    import: NewImport,
    actor: &Actor,
    now: Timestamp,
) -> Result<Begun, StoreError> {
    let actor = actor.clone();
    let notices = std::sync::Arc::clone(&db.notices);
    let work = move |conn: &Connection| {
        let refused = match before(conn, import.once.as_ref())? {
            Some(begun) => Some(begun),
            None => is_full(conn)?.then_some(Begun::Full),
        };
        if let Some(begun) = refused {
            run(conn, REMOVE_FINDINGS, [import.id.to_bytes()])?;
            return Ok(begun);
        }
        insert(conn, &NewRow::of_import(&import), &actor, now)?;
        Ok(Begun::Now)
    };
    let after = move |begun: &Begun| {
        if *begun == Begun::Now {
            notices.ring_jobs();
        }
    };
    db.write_then(Care::Guarded, work, after).await
}

/// What the same key has begun before.
fn before(conn: &Connection, once: Option<&Once>) -> Result<Option<Begun>, StoreError> {
    let Some(once) = once else { return Ok(None) };
    let found = one(conn, BEFORE, [&once.key], |row| {
        Ok((JobId::from_bytes(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
    })?;
    Ok(found.map(|(id, digest)| once.met(id, &digest)))
}

pub(in super::super) async fn findings(
    db: &Sqlite,
    id: JobId,
    batch: u64,
) -> Result<Vec<Finding>, StoreError> {
    let row = (id.to_bytes(), number(batch));
    let text: Option<String> = db
        .read(move |conn| one(conn, FINDINGS, row, |row| row.get(0)))
        .await?;
    let text = text.as_deref().unwrap_or("[]");
    of_json("job_finding", &id.to_bytes(), text)
}

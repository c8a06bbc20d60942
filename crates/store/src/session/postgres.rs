//! Sessions on PostgreSQL.

use domain::Timestamp;
use domain::session::{PER_USER, Session};
use domain::user::User;

use super::{SessionRow, is_same};
use crate::StoreError;
use crate::configuration::postgres::TOUCH as NOTE_USE;
use crate::postgres::{Failure, Postgres, Work, hold_epoch, one, retried, run};

const USER: &str = "SELECT document FROM item WHERE kind = 'user' AND id = $1";
const TRIM: &str = "DELETE FROM session WHERE digest = ANY(ARRAY( \
     SELECT digest FROM session WHERE account = $1 ORDER BY seen_at DESC, digest OFFSET $2))";
const INSERT: &str = "INSERT INTO session VALUES ($1, $2, $3, $4, $5)";
const FIND: &str =
    "SELECT digest, account, made_at, seen_at, address FROM session WHERE digest = $1";
const TOUCH: &str = "UPDATE session SET seen_at = $2 WHERE digest = $1 AND seen_at < $2";
const END: &str = "DELETE FROM session WHERE digest = $1";
const END_ALL: &str = "DELETE FROM session WHERE account = $1";

pub(super) async fn begin(
    db: &Postgres,
    session: Session,
    user: User,
    signed_in_at: Timestamp,
) -> Result<bool, StoreError> {
    retried!(begin_once(db, &session, &user, signed_in_at))
}

async fn begin_once(
    db: &Postgres,
    session: &Session,
    user: &User,
    signed_in_at: Timestamp,
) -> Result<bool, Failure> {
    let work = db.begin().await?;
    let outcome = write(&work, session, user, signed_in_at).await;
    work.end(outcome).await
}

/// No change of the user may pass until the session is there: it would not end a session that it does not see.
async fn write(
    work: &Work,
    session: &Session,
    user: &User,
    signed_in_at: Timestamp,
) -> Result<bool, Failure> {
    hold_epoch(work).await?;
    let account = &user.id.to_bytes()[..];
    let document = one(work, USER, &[&account], |row| row.try_get(0)).await?;
    if !is_same(user, document)? {
        return Ok(false);
    }
    run(work, TRIM, &[&account, &(PER_USER as i64 - 1)]).await?;
    run(
        work,
        INSERT,
        &[
            &&session.digest[..],
            &account,
            &session.made_at.micros(),
            &session.seen_at.micros(),
            &session.address.to_string(),
        ],
    )
    .await?;
    run(work, NOTE_USE, &[&account, &signed_in_at.micros()]).await?;
    Ok(true)
}

pub(super) async fn find(
    db: &Postgres,
    digest: [u8; 32],
) -> Result<Option<SessionRow>, StoreError> {
    let client = db.client().await?;
    let row = one(&client, FIND, &[&&digest[..]], |row| {
        Ok(SessionRow {
            digest: row.try_get(0)?,
            account: row.try_get(1)?,
            made_at: row.try_get(2)?,
            seen_at: row.try_get(3)?,
            address: row.try_get(4)?,
        })
    })
    .await?;
    Ok(row)
}

pub(super) async fn touch(
    db: &Postgres,
    digest: [u8; 32],
    at: Timestamp,
) -> Result<(), StoreError> {
    run(&db.client().await?, TOUCH, &[&&digest[..], &at.micros()]).await?;
    Ok(())
}

pub(super) async fn end(db: &Postgres, digest: [u8; 32]) -> Result<(), StoreError> {
    run(&db.client().await?, END, &[&&digest[..]]).await?;
    Ok(())
}

/// Ends all sessions of a user.
pub(crate) async fn end_all(work: &Work, user: [u8; 16]) -> Result<(), Failure> {
    run(work, END_ALL, &[&&user[..]]).await.map(drop)
}

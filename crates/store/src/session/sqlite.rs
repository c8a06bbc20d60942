//! Sessions on SQLite.

use domain::Timestamp;
use domain::session::{PER_USER, Session};
use domain::user::User;
use rusqlite::Connection;

use super::{SessionRow, is_same};
use crate::StoreError;
use crate::configuration::sqlite::TOUCH as NOTE_USE;
use crate::sqlite::{Care, Sqlite, one, run};

const USER: &str = "SELECT document FROM item WHERE kind = 'user' AND id = ?1";
const TRIM: &str = "DELETE FROM session WHERE digest IN \
     (SELECT digest FROM session WHERE account = ?1 ORDER BY seen_at DESC, digest LIMIT -1 OFFSET ?2)";
const INSERT: &str = "INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5)";
const FIND: &str =
    "SELECT digest, account, made_at, seen_at, address FROM session WHERE digest = ?1";
const TOUCH: &str = "UPDATE session SET seen_at = ?2 WHERE digest = ?1 AND seen_at < ?2";
const END: &str = "DELETE FROM session WHERE digest = ?1";
const END_ALL: &str = "DELETE FROM session WHERE account = ?1";

pub(super) async fn begin(
    db: &Sqlite,
    session: Session,
    user: User,
    signed_in_at: Timestamp,
) -> Result<bool, StoreError> {
    db.write(Care::Guarded, move |conn| {
        let account = user.id.to_bytes();
        if !is_same(&user, one(conn, USER, [account], |row| row.get(0))?)? {
            return Ok(false);
        }
        run(conn, TRIM, (account, PER_USER as i64 - 1))?;
        run(
            conn,
            INSERT,
            (
                session.digest,
                account,
                session.made_at.micros(),
                session.seen_at.micros(),
                session.address.to_string(),
            ),
        )?;
        run(conn, NOTE_USE, (account, signed_in_at.micros()))?;
        Ok(true)
    })
    .await
}

pub(super) async fn find(db: &Sqlite, digest: [u8; 32]) -> Result<Option<SessionRow>, StoreError> {
    db.read(move |conn| {
        one(conn, FIND, [digest], |row| {
            Ok(SessionRow {
                digest: row.get(0)?,
                account: row.get(1)?,
                made_at: row.get(2)?,
                seen_at: row.get(3)?,
                address: row.get(4)?,
            })
        })
    })
    .await
}

pub(super) async fn touch(db: &Sqlite, digest: [u8; 32], at: Timestamp) -> Result<(), StoreError> {
    db.write(Care::Guarded, move |conn| {
        run(conn, TOUCH, (digest, at.micros())).map(drop)
    })
    .await
}

pub(super) async fn end(db: &Sqlite, digest: [u8; 32]) -> Result<(), StoreError> {
    db.write(Care::Guarded, move |conn| {
        run(conn, END, [digest]).map(drop)
    })
    .await
}

/// Ends all sessions of a user.
pub(crate) fn end_all(conn: &Connection, user: [u8; 16]) -> Result<(), StoreError> {
    run(conn, END_ALL, [user]).map(drop)
}

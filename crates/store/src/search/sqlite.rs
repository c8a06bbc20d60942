//! The search index on SQLite: full text and fingerprints, both filled in the order of storing.

use rusqlite::Connection;

use super::Indexed;
use crate::StoreError;
use crate::sqlite::{Care, Sqlite, one, run};

const UP_TO: &str = "SELECT max(seq), count(*) FROM \
     (SELECT seq FROM event WHERE seq > (SELECT seq FROM indexed) ORDER BY seq LIMIT ?1)";
const ADD_TEXT: &str = "INSERT INTO event_text (rowid, subject, body) \
     SELECT seq, subject, body FROM event WHERE seq > (SELECT seq FROM indexed) AND seq <= ?1";
const ADD_FINGERPRINTS: &str = "INSERT INTO event_fingerprint \
     SELECT fingerprint, seq FROM event WHERE seq > (SELECT seq FROM indexed) AND seq <= ?1 ORDER BY 1, 2";
const INDEXED: &str = "UPDATE indexed SET seq = ?1";

const IS_INDEXED: &str = "SELECT 1 FROM indexed WHERE seq >= ?1";
const UNTEXT: &str =
    "INSERT INTO event_text (event_text, rowid, subject, body) VALUES ('delete', ?1, ?2, ?3)";
const TEXT: &str = "INSERT INTO event_text (rowid, subject, body) VALUES (?1, ?2, ?3)";
const UNFINGERPRINT: &str = "DELETE FROM event_fingerprint WHERE fingerprint = ?1 AND seq = ?2";
const FINGERPRINT: &str = "INSERT INTO event_fingerprint VALUES (?1, ?2)";

/// Lets the index follow an event that says something else now. What is not indexed yet will be, as it is by then.
pub(crate) fn reindex(
    conn: &Connection,
    before: &Indexed,
    after: &Indexed,
) -> Result<(), StoreError> {
    if one(conn, IS_INDEXED, [before.seq], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    let seq = before.seq;
    if (&before.subject, &before.body) != (&after.subject, &after.body) {
        run(conn, UNTEXT, (seq, &before.subject, &before.body))?;
        run(conn, TEXT, (seq, &after.subject, &after.body))?;
    }
    if before.fingerprint != after.fingerprint {
        run(conn, UNFINGERPRINT, (&before.fingerprint, seq))?;
        run(conn, FINGERPRINT, (&after.fingerprint, seq))?;
    }
    Ok(())
}

pub(super) async fn index_search(db: &Sqlite, limit: usize) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // A glance by a reader keeps an idle store from writing.
    let waiting = db
        .read(move |conn| one(conn, UP_TO, [1_i64], |row| row.get::<_, Option<i64>>(0)))
        .await?;
    if waiting.flatten().is_none() {
        return Ok(0);
    }
    db.write(Care::Guarded, move |conn| {
        let found = one(conn, UP_TO, [limit], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?))
        })?;
        let Some((Some(newest), count)) = found else {
            return Ok(0);
        };
        run(conn, ADD_TEXT, [newest])?;
        run(conn, ADD_FINGERPRINTS, [newest])?;
        run(conn, INDEXED, [newest])?;
        Ok(usize::try_from(count).unwrap_or(0))
    })
    .await
}

//! The search index on SQLite: full text and fingerprints, both filled in the order of storing.

use crate::StoreError;
use crate::sqlite::{Care, Sqlite, one, run};

const UP_TO: &str = "SELECT max(seq), count(*) FROM \
     (SELECT seq FROM event WHERE seq > (SELECT seq FROM indexed) ORDER BY seq LIMIT ?1)";
const ADD_TEXT: &str = "INSERT INTO event_text (rowid, subject, body) \
     SELECT seq, subject, body FROM event WHERE seq > (SELECT seq FROM indexed) AND seq <= ?1";
const ADD_FINGERPRINTS: &str = "INSERT INTO event_fingerprint \
     SELECT fingerprint, seq FROM event WHERE seq > (SELECT seq FROM indexed) AND seq <= ?1 ORDER BY 1, 2";
const INDEXED: &str = "UPDATE indexed SET seq = ?1";

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

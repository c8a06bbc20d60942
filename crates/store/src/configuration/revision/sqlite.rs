//! Revisions on SQLite.

use domain::Timestamp;
use rusqlite::Connection;

use super::{LoadedDelta, Outcome, is_covered, oldest_kept};
use crate::StoreError;
use crate::configuration::sqlite::{loaded, uses};
use crate::configuration::{Kind, Loaded};
use crate::sqlite::{Sqlite, all, one, run};

const END: &str = "UPDATE revision SET until = ?2 WHERE item = ?1 AND until IS NULL";
const BEGIN: &str = "INSERT INTO revision (item, epoch, until, kind, scope, name_key, document, sealed) \
     VALUES (?1, ?2, NULL, ?3, ?4, ?5, ?6, ?7)";
const EPOCH_AT: &str = "INSERT INTO epoch_at VALUES (?1, ?2)";
pub(crate) const OLDEST: &str = "SELECT min(number) FROM epoch_at";
const NEWEST: &str = "SELECT number FROM epoch";
const PUT: &str =
    "SELECT kind, item, document, sealed FROM revision WHERE epoch > ?1 AND until IS NULL";
const REMOVED: &str = "SELECT kind, item, document, NULL FROM revision \
     WHERE until > ?1 AND NOT EXISTS (SELECT 1 FROM item WHERE id = revision.item)";
const FIRST_KEPT: &str = "SELECT number FROM epoch_at WHERE at >= ?1 ORDER BY number LIMIT 1";
const FORGET_EPOCHS: &str = "DELETE FROM epoch_at WHERE number IN \
     (SELECT number FROM epoch_at WHERE number < ?1 ORDER BY number LIMIT ?2)";
const FORGET: &str = "DELETE FROM revision WHERE (item, epoch) IN \
     (SELECT item, epoch FROM revision WHERE until <= ?1 ORDER BY until LIMIT ?2) RETURNING item, epoch";

/// Writes what a change left, inside its transaction.
pub(crate) fn write(
    conn: &Connection,
    outcome: &Outcome,
    epoch: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    run(conn, EPOCH_AT, (epoch, at.micros()))?;
    for item in &outcome.ended {
        run(conn, END, (item, epoch))?;
    }
    for item in &outcome.begun {
        let (kind, name_key) = (item.kind.noun(), &item.name_key);
        run(
            conn,
            BEGIN,
            (
                item.id,
                epoch,
                kind,
                item.scope,
                name_key,
                &item.document,
                &item.sealed,
            ),
        )?;
    }
    Ok(())
}

/// What has happened since an epoch; none when revisions do not reach back to it.
pub(crate) async fn since(db: &Sqlite, known: u64) -> Result<Option<LoadedDelta>, StoreError> {
    let known = known.cast_signed();
    db.read(move |conn| {
        let epoch = one(conn, NEWEST, [], |row| row.get(0))?.unwrap_or(0);
        let oldest = one(conn, OLDEST, [], |row| row.get(0))?.flatten();
        if !is_covered(known, oldest, epoch) {
            return Ok(None);
        }
        let items = all(conn, PUT, [known], loaded)?;
        let removed = all(conn, REMOVED, [known], loaded)?;
        let key_uses = if items.iter().any(|item| item.kind == Kind::Key.noun()) {
            uses(conn)?
        } else {
            Vec::new()
        };
        let put = Loaded {
            epoch,
            items,
            key_uses,
        };
        Ok(Some(LoadedDelta { put, removed }))
    })
    .await
}

/// Forgets epochs that began before a time, and what ended before the oldest one that stays; at most `limit` rows.
/// What it forgot is named by epoch, or by item and epoch.
pub(crate) fn prune(
    conn: &Connection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let newest = one(conn, NEWEST, [], |row| row.get(0))?.unwrap_or(0);
    let first = one(conn, FIRST_KEPT, [before.micros()], |row| row.get(0))?;
    let kept = oldest_kept(first, newest);
    // Epochs go first: what is still listed can always be gone back to.
    let epochs = run(conn, FORGET_EPOCHS, (kept, limit))?;
    let oldest: i64 = one(conn, OLDEST, [], |row| row.get(0))?
        .flatten()
        .unwrap_or(kept);
    let left = limit - i64::try_from(epochs).unwrap_or(limit);
    let mut gone = vec![oldest.to_be_bytes().to_vec(); epochs];
    gone.extend(all(conn, FORGET, (oldest, left), |row| {
        let (item, epoch): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
        Ok([item, epoch.to_be_bytes().to_vec()].concat())
    })?);
    Ok(gone)
}

//! Health on SQLite.

use domain::Timestamp;

use super::Health;
use crate::sqlite::{Care, Sqlite, one, run};

const OLDEST: &str = "SELECT min(due) FROM (SELECT min( \
     coalesce((SELECT min(due_at) FROM delivery WHERE integration = o.integration AND lane = 0 AND status = 'pending'), ?1), \
     coalesce((SELECT min(due_at) FROM delivery WHERE integration = o.integration AND lane = 1 AND status = 'pending'), ?1), \
     coalesce((SELECT min(due_at) FROM delivery WHERE integration = o.integration AND lane = 2 AND status = 'pending'), ?1)) \
     AS due FROM owner o WHERE o.enabled AND NOT o.held) WHERE due < ?1";
const PENDING: &str = "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_due WHERE status = 'pending' LIMIT ?1)";
const WRITE: &str = "INSERT INTO kept VALUES ('written', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(super) async fn health(db: &Sqlite, now: Timestamp) -> Health {
    let writable = db
        .write(Care::Guarded, move |conn| {
            run(conn, WRITE, [now.to_string()]).map(drop)
        })
        .await;
    let read = db
        .read(|conn| {
            let oldest: Option<Option<i64>> = one(conn, OLDEST, [i64::MAX], |row| row.get(0))?;
            let pending: Option<i64> =
                one(conn, PENDING, [Health::COUNTED.cast_signed()], |row| {
                    row.get(0)
                })?;
            Ok((oldest.flatten(), pending.unwrap_or(0)))
        })
        .await;
    match read {
        Ok((oldest, pending)) => Health {
            writable: writable.map_err(|error| error.to_string()),
            oldest_due: oldest.map(Timestamp::from_micros),
            pending: pending.unsigned_abs(),
        },
        Err(error) => Health {
            writable: Err(error.to_string()),
            oldest_due: None,
            pending: 0,
        },
    }
}

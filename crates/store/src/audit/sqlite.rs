//! The audit log on SQLite.

use rusqlite::Connection;

use super::{AuditRow, NewAudit, StoredAudit};
use crate::sqlite::{Sqlite, all, run};
use crate::{PageAt, StoreError};

const INSERT: &str = "INSERT INTO audit (at, actor, action, what, id, detail, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const LIST: &str = "SELECT number, at, actor, action, what, id, detail, epoch FROM audit \
     WHERE number < ?1 ORDER BY number DESC LIMIT ?2";

/// Writes a line inside the transaction of what it tells of.
pub(crate) fn write(conn: &Connection, line: &NewAudit, epoch: i64) -> Result<(), StoreError> {
    run(
        conn,
        INSERT,
        (
            line.at,
            &line.actor,
            line.action,
            line.what,
            &line.id,
            &line.detail,
            epoch,
        ),
    )
    .map(drop)
}

pub(super) async fn audit(db: &Sqlite, at: &PageAt) -> Result<Vec<AuditRow>, StoreError> {
    let (before, limit) = (
        at.after_number()?.unwrap_or(i64::MAX),
        i64::from(at.limit()) + 1,
    );
    let rows = db
        .read(move |conn| {
            all(conn, LIST, (before, limit), |row| {
                Ok(StoredAudit {
                    number: row.get(0)?,
                    at: row.get(1)?,
                    actor: row.get(2)?,
                    action: row.get(3)?,
                    what: row.get(4)?,
                    id: row.get(5)?,
                    detail: row.get(6)?,
                    epoch: row.get(7)?,
                })
            })
        })
        .await?;
    rows.into_iter().map(AuditRow::try_from).collect()
}

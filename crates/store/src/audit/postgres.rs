//! The audit log on PostgreSQL.

use super::{AuditRow, NewAudit, StoredAudit};
use crate::postgres::{Failure, Postgres, Work, all, run, sound};
use crate::{PageAt, StoreError};

const INSERT: &str = "INSERT INTO audit (at, actor, action, what, id, detail, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7)";
const LIST: &str = "SELECT number, at, actor, action, what, id, detail, epoch FROM audit \
     WHERE number < $1 ORDER BY number DESC LIMIT $2";

/// Writes a line inside the transaction of what it tells of.
pub(crate) async fn write(work: &Work, line: &NewAudit, epoch: i64) -> Result<(), Failure> {
    let values = (
        line.at,
        sound(&line.actor),
        sound(&line.id),
        sound(&line.detail),
    );
    let (at, actor, id, detail) = &values;
    run(
        work,
        INSERT,
        &[at, actor, &line.action, &line.what, id, detail, &epoch],
    )
    .await
    .map(drop)
}

pub(super) async fn audit(db: &Postgres, at: &PageAt) -> Result<Vec<AuditRow>, StoreError> {
    let (before, limit) = (
        at.after_number()?.unwrap_or(i64::MAX),
        i64::from(at.limit()) + 1,
    );
    let rows = all(&db.client().await?, LIST, &[&before, &limit], |row| {
        Ok(StoredAudit {
            number: row.try_get(0)?,
            at: row.try_get(1)?,
            actor: row.try_get(2)?,
            action: row.try_get(3)?,
            what: row.try_get(4)?,
            id: row.try_get(5)?,
            detail: row.try_get(6)?,
            epoch: row.try_get(7)?,
        })
    })
    .await?;
    rows.into_iter().map(AuditRow::try_from).collect()
}

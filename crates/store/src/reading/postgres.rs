//! Readings on PostgreSQL.

use domain::EventId;
use tokio_postgres::Row;

use super::PastReading;
use super::prepared::{COLUMNS, ReadingRow};
use crate::postgres::{Postgres, all};
use crate::{PageAt, StoreError};

pub(super) async fn readings(
    db: &Postgres,
    id: EventId,
    at: &PageAt,
) -> Result<Vec<PastReading>, StoreError> {
    let before = at.after_number()?.unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM event_reading WHERE event = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
    );
    let limit = i64::from(at.limit()) + 1;
    let client = db.client().await?;
    let rows = all(&client, &sql, &[&&id.to_bytes()[..], &before, &limit], read).await?;
    rows.into_iter().map(|row| row.read(id)).collect()
}

fn read(row: &Row) -> Result<ReadingRow, tokio_postgres::Error> {
    Ok(ReadingRow {
        number: row.try_get(0)?,
        at: row.try_get(1)?,
        epoch: row.try_get(2)?,
        company: row.try_get(3)?,
        kind: row.try_get(4)?,
        category: row.try_get(5)?,
        severity: row.try_get(6)?,
        subject: row.try_get(7)?,
        body: row.try_get(8)?,
        reading: row.try_get(9)?,
        fingerprint: row.try_get(10)?,
        occurred_at: row.try_get(11)?,
    })
}

//! Readings on SQLite.

use domain::EventId;
use rusqlite::Row;

use super::PastReading;
use super::prepared::{COLUMNS, ReadingRow};
use crate::sqlite::{Sqlite, all};
use crate::{PageAt, StoreError};

pub(super) async fn readings(
    db: &Sqlite,
    id: EventId,
    at: &PageAt,
) -> Result<Vec<PastReading>, StoreError> {
    let before = at.after_number()?.unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM event_reading WHERE event = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3"
    );
    let limit = u32::from(at.limit()) + 1;
    let rows = db
        .read(move |conn| all(conn, &sql, (id.to_bytes(), before, limit), read))
        .await?;
    rows.into_iter().map(|row| row.read(id)).collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<ReadingRow> {
    Ok(ReadingRow {
        number: row.get(0)?,
        at: row.get(1)?,
        epoch: row.get(2)?,
        company: row.get(3)?,
        kind: row.get(4)?,
        category: row.get(5)?,
        severity: row.get(6)?,
        subject: row.get(7)?,
        body: row.get(8)?,
        reading: row.get(9)?,
        fingerprint: row.get(10)?,
        occurred_at: row.get(11)?,
    })
}

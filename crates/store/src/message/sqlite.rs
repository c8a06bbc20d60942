//! The journal on SQLite.

use domain::access::Scope;
use domain::message::Message;
use domain::{EventId, MessageId};

use super::{COLUMNS, MessageRow};
use crate::StoreError;
use crate::codec::split_ids;
use crate::sqlite::{Clauses, Sqlite, one};

pub(super) async fn message(
    db: &Sqlite,
    scope: &Scope,
    id: MessageId,
) -> Result<Option<(Message, Vec<EventId>)>, StoreError> {
    let scope = scope.clone();
    let row = db
        .read(move |conn| {
            let Some(row) = one(
                conn,
                &format!("SELECT {COLUMNS} FROM message WHERE id = ?1"),
                [id.to_bytes()],
                read,
            )?
            else {
                return Ok(None);
            };
            if scope != Scope::All {
                let mut clauses = Clauses::default();
                clauses.within("id", split_ids("message", &row.id, &row.events)?);
                clauses.scope("company", &scope);
                let sql = format!("SELECT 1 FROM event{} LIMIT 1", clauses.sql());
                if one(
                    conn,
                    &sql,
                    rusqlite::params_from_iter(clauses.into_values()),
                    |_| Ok(()),
                )?
                .is_none()
                {
                    return Ok(None);
                }
            }
            Ok(Some(row))
        })
        .await?;
    row.map(MessageRow::read).transpose()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        id: row.get(0)?,
        source: row.get(1)?,
        received_at: row.get(2)?,
        headers: row.get(3)?,
        raw: row.get(4)?,
        sha256: row.get(5)?,
        webhook_id: row.get(6)?,
        decode: row.get(7)?,
        id_reused: row.get(8)?,
        events: row.get(9)?,
    })
}

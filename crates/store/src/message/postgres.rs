//! The journal on PostgreSQL.

use domain::access::Scope;
use domain::message::Message;
use domain::{EventId, MessageId};

use super::{COLUMNS, MessageRow};
use crate::StoreError;
use crate::codec::split_ids;
use crate::postgres::{Clauses, Postgres, one};

pub(super) async fn message(
    db: &Postgres,
    scope: &Scope,
    id: MessageId,
) -> Result<Option<(Message, Vec<EventId>)>, StoreError> {
    let client = db.client().await?;
    let sql = format!("SELECT {COLUMNS} FROM message WHERE id = $1");
    let Some(row) = one(&client, &sql, &[&&id.to_bytes()[..]], read).await? else {
        return Ok(None);
    };
    if *scope != Scope::All {
        let mut clauses = Clauses::default();
        clauses.within("id", split_ids("message", &row.id, &row.events)?);
        clauses.scope("company", scope);
        let sql = format!("SELECT 1 FROM event{} LIMIT 1", clauses.sql());
        if one(&client, &sql, &clauses.values(), |_| Ok(()))
            .await?
            .is_none()
        {
            return Ok(None);
        }
    }
    row.read().map(Some)
}

fn read(row: &tokio_postgres::Row) -> Result<MessageRow, tokio_postgres::Error> {
    Ok(MessageRow {
        id: row.try_get(0)?,
        source: row.try_get(1)?,
        received_at: row.try_get(2)?,
        headers: row.try_get(3)?,
        raw: row.try_get(4)?,
        sha256: row.try_get(5)?,
        webhook_id: row.try_get(6)?,
        decode: row.try_get(7)?,
        id_reused: row.try_get(8)?,
        events: row.try_get(9)?,
    })
}

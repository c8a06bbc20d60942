//! Cancelling on SQLite.

use delivery::DeadReason;
use domain::access::{Actor, Scope};
use domain::{CompanyId, DeliveryId, Timestamp};
use rusqlite::Connection;

use super::super::Cancel;
use super::super::cancel::{CancelRow, line};
use crate::StoreError;
use crate::audit::write_sqlite;
use crate::sqlite::{Care, Sqlite, one, run};

const FIND: &str = "SELECT company, status, reason FROM delivery WHERE id = ?1";
/// No event joins it any more: the next one of its group opens another.
const CANCEL: &str =
    "UPDATE delivery SET status = 'dead', reason = ?2, group_key = NULL WHERE id = ?1";

pub(in super::super) async fn cancel(
    db: &Sqlite,
    scope: &Scope,
    ids: &[DeliveryId],
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<Cancel>, StoreError> {
    let (scope, ids, actor) = (scope.clone(), ids.to_vec(), actor.clone());
    let notices = std::sync::Arc::clone(&db.notices);
    let work = move |conn: &Connection| -> Result<Vec<Cancel>, StoreError> {
        let epoch: Option<i64> = one(conn, "SELECT number FROM epoch", [], |row| row.get(0))?;
        let mut told = Vec::with_capacity(ids.len());
        for id in &ids {
            let Some(found) = find(conn, &scope, *id)? else {
                told.push(Cancel::NotFound);
                continue;
            };
            let cancel = found.cancel(*id)?;
            if cancel == Cancel::Done {
                let row = (id.to_bytes(), DeadReason::Cancelled.as_str());
                run(conn, CANCEL, row)?;
                write_sqlite(conn, &line(*id, now, &actor), epoch.unwrap_or(0))?;
            }
            told.push(cancel);
        }
        Ok(told)
    };
    let after = move |told: &Vec<Cancel>| notices.cancelled(told);
    db.write_then(Care::Guarded, work, after).await
}

fn find(conn: &Connection, scope: &Scope, id: DeliveryId) -> Result<Option<CancelRow>, StoreError> {
    let row = one(conn, FIND, [id.to_bytes()], |row| {
        let company = CompanyId::from_bytes(row.get(0)?);
        let found = CancelRow {
            status: row.get(1)?,
            reason: row.get(2)?,
        };
        Ok((company, found))
    })?;
    let seen = row.filter(|(company, _)| scope.admits(Some(*company)));
    Ok(seen.map(|(_, found)| found))
}

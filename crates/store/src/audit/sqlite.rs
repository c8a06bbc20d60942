//! The audit log on SQLite.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::{ActorText, AuditQuery, AuditRow, NewAudit, StoredAudit};
use crate::sqlite::{Clauses, Sqlite, all, run};
use crate::{PageAt, StoreError};

const INSERT: &str = "INSERT INTO audit (at, actor, action, what, id, detail, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const LIST: &str = "SELECT number, at, actor, action, what, id, detail, epoch FROM audit";

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

pub(super) async fn audit(
    db: &Sqlite,
    query: &AuditQuery,
    at: &PageAt,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut wanted = wanted(query);
    wanted.and_some("number < ?", at.after_number()?);
    let sql = format!("{LIST}{} ORDER BY number DESC LIMIT ?", wanted.sql());
    let mut values = wanted.into_values();
    values.push(Value::Integer(i64::from(at.limit()) + 1));
    let rows = db
        .read(move |conn| {
            all(conn, &sql, params_from_iter(values), |row| {
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

fn wanted(query: &AuditQuery) -> Clauses {
    let mut wanted = Clauses::default();
    wanted.and_some("what = ?", query.what.clone());
    wanted.and_some("id = ?", query.target.clone());
    wanted.and_some("action = ?", query.action.clone());
    wanted.and_some("at >= ?", query.since.map(|since| since.micros()));
    wanted.and_some("at < ?", query.until.map(|until| until.micros()));
    wanted.and_some("epoch = ?", query.epoch.map(u64::cast_signed));
    match query.actor.as_ref().map(super::AuditActor::text) {
        Some(ActorText::Is(text)) => wanted.and("actor = ?", [text.into()]),
        Some(ActorText::Holds(text)) => wanted.and("instr(actor, ?) > 0", [text.into()]),
        None => {}
    }
    wanted
}

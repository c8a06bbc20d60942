//! Cancelling on PostgreSQL.

use std::collections::HashMap;

use delivery::DeadReason;
use domain::access::{Actor, Scope};
use domain::{DeliveryId, Timestamp};

use super::super::Cancel;
use super::super::cancel::{CancelRow, line};
use crate::StoreError;
use crate::audit::write_all_postgres;
use crate::codec::fixed;
use crate::postgres::{
    CHANNEL, Clauses, Failure, News, Postgres, SEND_NEWS, Work, all, one, retried, run,
};

/// No event joins them any more: the next one of their group opens another.
const CANCEL: &str = "UPDATE delivery SET status = 'dead', reason = $2, group_key = NULL WHERE id = ANY($1::bytea[])";

pub(in super::super) async fn cancel(
    db: &Postgres,
    scope: &Scope,
    ids: &[DeliveryId],
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<Cancel>, StoreError> {
    let told = retried!(cancel_once(db, scope, ids, now, actor))?;
    db.notices.cancelled(&told);
    Ok(told)
}

async fn cancel_once(
    db: &Postgres,
    scope: &Scope,
    ids: &[DeliveryId],
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<Cancel>, Failure> {
    let work = db.begin().await?;
    let outcome = write(db, &work, scope, ids, now, actor).await;
    work.end(outcome).await
}

async fn write(
    db: &Postgres,
    work: &Work,
    scope: &Scope,
    ids: &[DeliveryId],
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<Cancel>, Failure> {
    let mut found = find(work, scope, ids).await?;
    let mut told = Vec::with_capacity(ids.len());
    let (mut cancelled, mut lines) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(row) = found.get_mut(id) else {
            told.push(Cancel::NotFound);
            continue;
        };
        let cancel = row.cancel(*id)?;
        if cancel == Cancel::Done {
            cancelled.push(id.to_bytes().to_vec());
            lines.push(line(*id, now, actor));
            // Whoever is named twice was cancelled before.
            "dead".clone_into(&mut row.status);
            row.reason = Some(DeadReason::Cancelled.as_str().to_owned());
        }
        told.push(cancel);
    }
    if !cancelled.is_empty() {
        let reason = DeadReason::Cancelled.as_str();
        run(work, CANCEL, &[&cancelled, &reason]).await?;
        let epoch: Option<i64> =
            one(work, "SELECT number FROM epoch", &[], |row| row.try_get(0)).await?;
        write_all_postgres(work, &lines, epoch.unwrap_or(0)).await?;
        let news = News {
            recalls: true,
            ..db.news()
        };
        run(work, SEND_NEWS, &[&CHANNEL, &news.write()]).await?;
    }
    Ok(told)
}

/// Those that there are in the scope; nobody else changes them until the transaction ends.
async fn find(
    work: &Work,
    scope: &Scope,
    ids: &[DeliveryId],
) -> Result<HashMap<DeliveryId, CancelRow>, Failure> {
    let mut clauses = Clauses::default();
    clauses.within("id", ids.iter().map(|id| id.to_bytes()));
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT id, status, reason FROM delivery{} ORDER BY id FOR UPDATE",
        clauses.sql()
    );
    let rows = all(work, &sql, &clauses.values(), |row| {
        Ok((
            row.try_get::<_, Vec<u8>>(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
        ))
    })
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for (id, status, reason) in rows {
        let row = CancelRow { status, reason };
        found.insert(DeliveryId::from_bytes(fixed("delivery", &id, &id)?), row);
    }
    Ok(found)
}

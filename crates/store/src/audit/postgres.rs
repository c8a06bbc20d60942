//! The audit log on PostgreSQL.

use super::{ActorText, AuditQuery, AuditRow, NewAudit, StoredAudit};
use crate::postgres::{Clauses, Failure, Postgres, Work, all, run, sound};
use crate::{PageAt, StoreError};

const INSERT: &str = "INSERT INTO audit (at, actor, action, what, id, detail, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7)";
const INSERT_ALL: &str = "INSERT INTO audit (at, actor, action, what, id, detail, epoch) \
     SELECT at, actor, action, what, id, detail, $1 \
     FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) \
     WITH ORDINALITY AS line (at, actor, action, what, id, detail, place) ORDER BY place";
const LIST: &str = "SELECT number, at, actor, action, what, id, detail, epoch FROM audit";
/// Most lines of one statement.
const ROWS: usize = 5_000;

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

/// Writes lines inside the transaction of what they tell of, in their order.
pub(crate) async fn write_all(work: &Work, lines: &[NewAudit], epoch: i64) -> Result<(), Failure> {
    for lines in lines.chunks(ROWS) {
        let texts = |read: fn(&NewAudit) -> &str| -> Vec<_> {
            lines.iter().map(|line| sound(read(line))).collect()
        };
        let times: Vec<i64> = lines.iter().map(|line| line.at).collect();
        let (actors, actions) = (texts(|line| &line.actor), texts(|line| line.action));
        let (whats, ids) = (texts(|line| line.what), texts(|line| &line.id));
        let details = texts(|line| &line.detail);
        run(
            work,
            INSERT_ALL,
            &[&epoch, &times, &actors, &actions, &whats, &ids, &details],
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn audit(
    db: &Postgres,
    query: &AuditQuery,
    at: &PageAt,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut wanted = wanted(query);
    wanted.and_some("number < ?", at.after_number()?);
    let limit = i64::from(at.limit()) + 1;
    let mut values = wanted.values();
    values.push(&limit);
    let sql = format!(
        "{LIST}{} ORDER BY number DESC LIMIT ${}",
        wanted.sql(),
        values.len()
    );
    let rows = all(&db.client().await?, &sql, &values, |row| {
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

fn wanted(query: &AuditQuery) -> Clauses {
    let mut wanted = Clauses::default();
    wanted.and_text("what = ?", query.what.as_deref());
    wanted.and_text("id = ?", query.target.as_deref());
    wanted.and_text("action = ?", query.action.as_deref());
    wanted.and_some("at >= ?", query.since.map(|since| since.micros()));
    wanted.and_some("at < ?", query.until.map(|until| until.micros()));
    wanted.and_some("epoch = ?", query.epoch.map(u64::cast_signed));
    match query.actor.as_ref().map(super::AuditActor::text) {
        Some(ActorText::Is(text)) => wanted.and_text("actor = ?", Some(&text)),
        Some(ActorText::Holds(text)) => wanted.and_text("strpos(actor, ?) > 0", Some(&text)),
        None => {}
    }
    wanted
}

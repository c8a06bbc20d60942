//! Figures on SQLite.

use domain::access::Scope;
use domain::{CompanyId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::{AttemptSeen, EVERYONE, EventSeen, FORGOTTEN, Key, Span, Tally, WaitingNow};
use crate::sqlite::{Care, Clauses, Sqlite, all, blob, one, run};
use crate::{Store, StoreError};

const COUNTED: &str = "SELECT event, attempt FROM figured";
const EVENTS: &str = "SELECT seq, company, category, matched, received_at FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2";
/// The last attempt of a delivery that is dead is the one that it died of, unless a person cancelled it.
const ATTEMPTS: &str = "SELECT a.seq, d.company, coalesce(d.created_at, 0), a.started_at + a.duration, a.outcome, \
     coalesce(d.status = 'dead' AND d.reason <> 'cancelled', 0) AND NOT EXISTS \
     (SELECT 1 FROM attempt later WHERE later.delivery = a.delivery AND later.number > a.number) \
     FROM attempt a LEFT JOIN delivery d ON d.id = a.delivery WHERE a.seq > ?1 ORDER BY a.seq LIMIT ?2";
const MOVE: &str = "UPDATE figured SET event = ?3, attempt = ?4 WHERE event = ?1 AND attempt = ?2";
const ADD: &str = "INSERT INTO figure VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT DO UPDATE SET count = count + excluded.count";
const FORGET: &str = "DELETE FROM figure WHERE (company, span, what, at) IN \
     (SELECT company, span, what, at FROM figure INDEXED BY figure_by_time WHERE span = ?1 AND at < ?2 LIMIT ?3)";
const UNCOUNTED: &str = "SELECT min(at) FROM ( \
     SELECT (SELECT received_at FROM event WHERE seq > f.event ORDER BY seq LIMIT 1) AS at FROM figured f UNION ALL \
     SELECT (SELECT started_at + duration FROM attempt WHERE seq > f.attempt ORDER BY seq LIMIT 1) FROM figured f)";

pub(super) async fn count(db: &Sqlite, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (from, events, attempts) = db
        .read(move |conn| {
            let from: (i64, i64) =
                one(conn, COUNTED, [], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap_or_default();
            let events = all(conn, EVENTS, [from.0, limit], event)?;
            let attempts = all(conn, ATTEMPTS, [from.1, limit], attempt)?;
            Ok((from, events, attempts))
        })
        .await?;
    let counted = events.len().max(attempts.len());
    if counted == 0 {
        return Ok(0);
    }
    let to = (
        events.last().map_or(from.0, |event| event.seq),
        attempts.last().map_or(from.1, |attempt| attempt.seq),
    );
    let mut tally = Tally::new(now);
    events.iter().for_each(|event| tally.event(event));
    attempts.iter().for_each(|attempt| tally.attempt(attempt));
    add(db, (from, to), tally.into_sums(), now).await?;
    Ok(counted)
}

type Cursors = (i64, i64);

/// Adds to the rows, unless retention has moved the cursors meanwhile: then the same is read again.
async fn add(
    db: &Sqlite,
    (from, to): (Cursors, Cursors),
    sums: Vec<(Key, i64)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.write(Care::Guarded, move |conn| {
        if run(conn, MOVE, [from.0, from.1, to.0, to.1])? == 0 {
            return Ok(());
        }
        for (key, count) in &sums {
            run(conn, ADD, (key.company, key.span, &key.what, key.at, count))?;
        }
        for span in Span::ALL {
            let row = (span.seconds(), span.oldest(now).micros(), FORGOTTEN);
            run(conn, FORGET, row)?;
        }
        Ok(())
    })
    .await
}

pub(super) async fn uncounted(db: &Sqlite) -> Result<Option<i64>, StoreError> {
    let at: Option<Option<i64>> = db
        .read(|conn| one(conn, UNCOUNTED, [], |row| row.get(0)))
        .await?;
    Ok(at.flatten())
}

pub(super) async fn figures(
    db: &Sqlite,
    companies: Vec<[u8; 16]>,
    span: Span,
    since: i64,
) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.within("company", companies);
    clauses.and("span = ?", [Value::from(span.seconds())]);
    clauses.and("at >= ?", [Value::from(since)]);
    let sql = format!(
        "SELECT what, at, sum(count) FROM figure{} GROUP BY what, at",
        clauses.sql()
    );
    db.read(move |conn| {
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    })
    .await
}

pub(super) async fn busiest(
    db: &Sqlite,
    scope: &Scope,
    span: Span,
    since: i64,
    most: u16,
) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("span = ?", [Value::from(span.seconds())]);
    clauses.and("at >= ?", [Value::from(since)]);
    clauses.and("what = 'event'", []);
    clauses.and("company <> ?", blob(Some(EVERYONE)));
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT company, sum(count) AS many FROM figure INDEXED BY figure_of_events{} GROUP BY company ORDER BY many DESC, company LIMIT {most}",
        clauses.sql()
    );
    db.read(move |conn| {
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    })
    .await
}

pub(super) async fn waiting_now(
    db: &Sqlite,
    scope: &Scope,
    company: Option<CompanyId>,
) -> Result<WaitingNow, StoreError> {
    let mut clauses = Clauses::default();
    clauses.scope("d.company", scope);
    clauses.and_some("d.company = ?", blob(company.map(CompanyId::to_bytes)));
    let looked_at = Store::LOOKED_AT;
    let sql = format!(
        "SELECT coalesce(sum(NOT parked), 0), coalesce(sum(parked), 0), min(iif(parked, NULL, created_at)), \
         (SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_due WHERE status = 'pending' LIMIT {})) \
         FROM (SELECT d.created_at, coalesce(NOT o.enabled OR o.held, 0) AS parked FROM \
         (SELECT integration, company, created_at FROM delivery INDEXED BY delivery_due WHERE status = 'pending' LIMIT {looked_at}) d \
         LEFT JOIN owner o ON o.integration = d.integration{})",
        looked_at + 1,
        clauses.sql(),
    );
    let found = db
        .read(move |conn| {
            one(conn, &sql, params_from_iter(clauses.into_values()), |row| {
                let (count, parked): (i64, i64) = (row.get(0)?, row.get(1)?);
                let oldest: Option<i64> = row.get(2)?;
                Ok(WaitingNow {
                    count: count.unsigned_abs(),
                    parked: parked.unsigned_abs(),
                    oldest: oldest.map(Timestamp::from_micros),
                    is_more: row.get::<_, u32>(3)? > looked_at,
                })
            })
        })
        .await?;
    Ok(found.unwrap_or_default())
}

/// One more than is counted.
pub(super) async fn dead_now(
    db: &Sqlite,
    scope: &Scope,
    company: Option<CompanyId>,
) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("status = 'dead' AND reason <> 'cancelled'", []);
    clauses.scope("company", scope);
    clauses.and_some("company = ?", blob(company.map(CompanyId::to_bytes)));
    let sql = format!(
        "SELECT integration, count(*) AS many FROM \
         (SELECT integration FROM delivery INDEXED BY delivery_dead_by_cause{} LIMIT {}) \
         GROUP BY integration ORDER BY many DESC, integration",
        clauses.sql(),
        Store::LOOKED_AT + 1
    );
    db.read(move |conn| {
        all(conn, &sql, params_from_iter(clauses.into_values()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    })
    .await
}

fn event(row: &Row<'_>) -> rusqlite::Result<EventSeen> {
    Ok(EventSeen {
        seq: row.get(0)?,
        company: row.get(1)?,
        category: row.get(2)?,
        matched: row.get(3)?,
        received_at: row.get(4)?,
    })
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptSeen> {
    Ok(AttemptSeen {
        seq: row.get(0)?,
        company: row.get(1)?,
        made_at: row.get(2)?,
        ended_at: row.get(3)?,
        outcome: row.get(4)?,
        dead: row.get(5)?,
    })
}

//! Figures on PostgreSQL.

use std::sync::PoisonError;

use deadpool_postgres::Client;
use domain::access::Scope;
use domain::{CompanyId, Timestamp};
use tokio_postgres::Row;

use super::{AttemptSeen, EVERYONE, EventSeen, FORGOTTEN, Key, Span, Tally, WaitingNow};
use crate::postgres::{Clauses, Failure, Postgres, Work, all, finished, one, retried, run, sound};
use crate::{Store, StoreError};

const COUNTED: &str = "SELECT event, attempt FROM figured";
const EVENTS: &str = "SELECT seq, company, category, matched, received_at FROM event \
     WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
/// The last attempt of a delivery that is dead is the one that it died of, unless a person cancelled it.
const ATTEMPTS: &str = "SELECT a.seq, d.company, coalesce(d.created_at, 0), a.started_at + a.duration, a.outcome, \
     coalesce(d.status = 'dead' AND d.reason <> 'cancelled', false) AND NOT EXISTS \
     (SELECT 1 FROM attempt later WHERE later.delivery = a.delivery AND later.number > a.number) \
     FROM attempt a LEFT JOIN delivery d ON d.id = a.delivery \
     WHERE a.seq > $1 AND a.seq <= $2 ORDER BY a.seq LIMIT $3";
const MOVE: &str = "UPDATE figured SET event = $3, attempt = $4 WHERE event = $1 AND attempt = $2";
const ADD: &str = "INSERT INTO figure SELECT * FROM \
     unnest($1::bytea[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[]) \
     ON CONFLICT (company, span, what, at) DO UPDATE SET count = figure.count + excluded.count";
const FORGET: &str = "DELETE FROM figure WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM figure WHERE span = $1 AND at < $2 LIMIT $3))";
const UNCOUNTED: &str = "SELECT least( \
     (SELECT received_at FROM event WHERE seq > f.event ORDER BY seq LIMIT 1), \
     (SELECT started_at + duration FROM attempt WHERE seq > f.attempt ORDER BY seq LIMIT 1)) FROM figured f";

/// Up to which number of storing all settles have ended, as far as this node knows.
///
/// A number is taken long before its commit, so a reader that goes by numbers would skip what commits late. A settle holds
/// no lock that names its numbers, as an accept does, for it is one statement; but it has its transaction id before it
/// takes a number. So the numbers that were given by some time have ended when every transaction that has an id by then is
/// over.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settled {
    ended: i64,
    /// The numbers that were given when it was last looked, where they have not ended yet, and an id that was given then.
    mark: Option<(i64, i64)>,
}

impl Settled {
    async fn look(mut self, client: &Client) -> Result<Self, Failure> {
        const GIVEN: &str = "SELECT last_value FROM attempt_seq";
        const ID: &str = "SELECT pg_current_xact_id()::text::bigint";
        const OLDEST: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        let read = async |sql| one(client, sql, &[], |row| row.try_get::<_, i64>(0)).await;
        let given = read(GIVEN).await?.unwrap_or(0);
        if given <= self.ended {
            return Ok(self);
        }
        let (marked, id) = match self.mark {
            Some(mark) => mark,
            // After the number: whoever took that one or one before it has a lower id.
            None => (given, read(ID).await?.unwrap_or(i64::MAX)),
        };
        self.mark = Some((marked, id));
        if read(OLDEST).await?.unwrap_or(0) >= id {
            self = Self {
                ended: marked,
                mark: None,
            };
        }
        Ok(self)
    }
}

/// Up to which number all settles have ended, looked at anew.
pub(crate) async fn settled(db: &Postgres, client: &Client) -> Result<i64, Failure> {
    let known = *db.settled.lock().unwrap_or_else(PoisonError::into_inner);
    let looked = known.look(client).await?;
    let mut kept = db.settled.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever looked meanwhile may know more.
    if looked.ended >= kept.ended {
        *kept = looked;
    }
    Ok(kept.ended)
}

pub(super) async fn count(
    db: &Postgres,
    now: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (from, events, attempts) = {
        let client = db.client().await?;
        let settled = settled(db, &client).await?;
        let from: (i64, i64) = one(&client, COUNTED, &[], |row| {
            Ok((row.try_get(0)?, row.try_get(1)?))
        })
        .await?
        .unwrap_or_default();
        let stored = finished(&client).await?;
        let events = all(&client, EVENTS, &[&from.0, &stored, &limit], event).await?;
        let attempts = all(&client, ATTEMPTS, &[&from.1, &settled, &limit], attempt).await?;
        (from, events, attempts)
    };
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
    let sums = tally.into_sums();
    retried!(add_once(db, (from, to), &sums, now))?;
    Ok(counted)
}

type Cursors = (i64, i64);

async fn add_once(
    db: &Postgres,
    moved: (Cursors, Cursors),
    sums: &[(Key, i64)],
    now: Timestamp,
) -> Result<(), Failure> {
    let work = db.begin().await?;
    let outcome = add(&work, moved, sums, now).await;
    work.end(outcome).await
}

/// Adds to the rows, unless another node has counted the same.
async fn add(
    work: &Work,
    (from, to): (Cursors, Cursors),
    sums: &[(Key, i64)],
    now: Timestamp,
) -> Result<(), Failure> {
    if run(work, MOVE, &[&from.0, &from.1, &to.0, &to.1]).await? == 0 {
        return Ok(());
    }
    let companies: Vec<&[u8]> = sums.iter().map(|(key, _)| &key.company[..]).collect();
    let spans: Vec<i32> = sums.iter().map(|(key, _)| key.span).collect();
    let whats: Vec<_> = sums.iter().map(|(key, _)| sound(&key.what)).collect();
    let times: Vec<i64> = sums.iter().map(|(key, _)| key.at).collect();
    let counts: Vec<i64> = sums.iter().map(|(_, count)| *count).collect();
    run(work, ADD, &[&companies, &spans, &whats, &times, &counts]).await?;
    for span in Span::ALL {
        let oldest = span.oldest(now).micros();
        run(work, FORGET, &[&span.seconds(), &oldest, &FORGOTTEN]).await?;
    }
    Ok(())
}

pub(super) async fn uncounted(db: &Postgres) -> Result<Option<i64>, StoreError> {
    let at: Option<Option<i64>> =
        one(&db.client().await?, UNCOUNTED, &[], |row| row.try_get(0)).await?;
    Ok(at.flatten())
}

pub(super) async fn figures(
    db: &Postgres,
    companies: Vec<[u8; 16]>,
    span: Span,
    since: i64,
) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.within("company", companies);
    clauses.and("span = ?", span.seconds());
    clauses.and("at >= ?", since);
    let sql = format!(
        "SELECT what, at, sum(count)::bigint FROM figure{} GROUP BY what, at",
        clauses.sql()
    );
    Ok(all(&db.client().await?, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    })
    .await?)
}

pub(super) async fn busiest(
    db: &Postgres,
    scope: &Scope,
    span: Span,
    since: i64,
    most: u16,
) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and("span = ?", span.seconds());
    clauses.and("at >= ?", since);
    clauses.and_plain("what = 'event'");
    clauses.and("company <> ?", EVERYONE.to_vec());
    clauses.scope("company", scope);
    let sql = format!(
        "SELECT company, sum(count)::bigint AS many FROM figure{} GROUP BY company ORDER BY many DESC, company LIMIT {most}",
        clauses.sql()
    );
    Ok(all(&db.client().await?, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?)
}

pub(super) async fn waiting_now(
    db: &Postgres,
    scope: &Scope,
    company: Option<CompanyId>,
) -> Result<WaitingNow, StoreError> {
    let mut clauses = Clauses::default();
    clauses.scope("d.company", scope);
    clauses.and_some(
        "d.company = ?",
        company.map(|company| company.to_bytes().to_vec()),
    );
    let looked_at = Store::LOOKED_AT;
    let sql = format!(
        "SELECT count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked), \
         min(created_at) FILTER (WHERE NOT parked), \
         (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE status = 'pending' LIMIT {}) AS looked_at) \
         FROM (SELECT d.created_at, coalesce(NOT o.enabled OR o.held, false) AS parked FROM \
         (SELECT integration, company, created_at FROM delivery WHERE status = 'pending' LIMIT {looked_at}) AS d \
         LEFT JOIN owner o ON o.integration = d.integration{}) AS found",
        looked_at + 1,
        clauses.sql(),
    );
    let found = one(&db.client().await?, &sql, &clauses.values(), |row| {
        let (count, parked): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let oldest: Option<i64> = row.try_get(2)?;
        Ok(WaitingNow {
            count: count.unsigned_abs(),
            parked: parked.unsigned_abs(),
            oldest: oldest.map(Timestamp::from_micros),
            is_more: row.try_get::<_, i64>(3)? > i64::from(looked_at),
        })
    })
    .await?;
    Ok(found.unwrap_or_default())
}

/// One more than is counted.
pub(super) async fn dead_now(
    db: &Postgres,
    scope: &Scope,
    company: Option<CompanyId>,
) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    let mut clauses = Clauses::default();
    clauses.and_plain("status = 'dead' AND reason <> 'cancelled'");
    clauses.scope("company", scope);
    clauses.and_some(
        "company = ?",
        company.map(|company| company.to_bytes().to_vec()),
    );
    let sql = format!(
        "SELECT integration, count(*) AS many FROM \
         (SELECT integration FROM delivery{} LIMIT {}) AS dead \
         GROUP BY integration ORDER BY many DESC, integration",
        clauses.sql(),
        Store::LOOKED_AT + 1
    );
    Ok(all(&db.client().await?, &sql, &clauses.values(), |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?)
}

fn event(row: &Row) -> Result<EventSeen, tokio_postgres::Error> {
    Ok(EventSeen {
        seq: row.try_get(0)?,
        company: row.try_get(1)?,
        category: row.try_get(2)?,
        matched: row.try_get(3)?,
        received_at: row.try_get(4)?,
    })
}

fn attempt(row: &Row) -> Result<AttemptSeen, tokio_postgres::Error> {
    Ok(AttemptSeen {
        seq: row.try_get(0)?,
        company: row.try_get(1)?,
        made_at: row.try_get(2)?,
        ended_at: row.try_get(3)?,
        outcome: row.try_get(4)?,
        dead: row.try_get(5)?,
    })
}

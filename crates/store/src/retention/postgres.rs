//! Forgetting on PostgreSQL: a batch of the oldest, by the order of the primary key wherever ids tell the age.

use std::collections::{BTreeSet, HashSet};

use domain::Timestamp;

use super::{Gone, PrunedRow, RetentionClass, gone_messages, gone_today, lowest_id};
use crate::StoreError;
use crate::codec::{fixed, split_ids};
use crate::configuration::revision;
use crate::event::read_deliveries;
use crate::postgres::{Failure, Postgres, Work, all, retried, run};
use crate::proof::{Line, Notary, add_pruned_postgres, sealed_up_to_postgres};

/// Messages that have to stay are looked at again each time, so a batch is bounded by what it looks at as well.
const PAGES: usize = 16;

/// What is not sealed yet stays until it is.
const OLD_MESSAGES: &str = "SELECT seq, id, source, received_at, sha256, headers, webhook_key, events FROM message \
     WHERE id > $1 AND id < $2 AND seq <= $3 ORDER BY id LIMIT $4";
const DELIVERIES: &str = "SELECT id, deliveries FROM event WHERE id = ANY($1::bytea[])";
const PENDING: &str = "SELECT id FROM delivery WHERE id = ANY($1::bytea[]) AND status = 'pending'";
/// Removes the events that came with these messages; an event that was only counted again belongs to its first message.
const REMOVE_EVENTS: &str = "DELETE FROM event WHERE id = ANY($1::bytea[]) AND message = ANY($2::bytea[]) \
     RETURNING seq, fingerprint, id";
const REMOVE_TEXTS: &str = "DELETE FROM event_text WHERE seq = ANY($1::bigint[])";
const REMOVE_PRINTS: &str = "DELETE FROM event_fingerprint f USING unnest($1::bytea[], $2::bigint[]) AS gone (fingerprint, seq) \
     WHERE f.fingerprint = gone.fingerprint AND f.seq = gone.seq";
const REMOVE_READINGS: &str = "DELETE FROM event_reading WHERE event = ANY($1::bytea[])";
const REMOVE_MESSAGES: &str = "DELETE FROM message WHERE id = ANY($1::bytea[])";
const REMOVE_WEBHOOK_IDS: &str = "DELETE FROM webhook_id w \
     USING unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS gone (key, sha256, message) \
     WHERE w.key = gone.key AND w.sha256 = gone.sha256 AND w.message = gone.message";
const OLD_DELIVERED: &str = "SELECT id FROM delivery WHERE status = 'delivered' AND id < $1 ORDER BY id LIMIT $2 FOR UPDATE";
const OLD_DEAD: &str =
    "SELECT id FROM delivery WHERE status = 'dead' AND id < $1 ORDER BY id LIMIT $2 FOR UPDATE";
const REMOVE_DELIVERIES: &str = "DELETE FROM delivery WHERE id = ANY($1::bytea[])";
const REMOVE_ATTEMPTS: &str = "DELETE FROM attempt WHERE delivery = ANY($1::bytea[])";
const REMOVE_JOINED: &str = "DELETE FROM delivery_event WHERE delivery = ANY($1::bytea[])";
const OLD_AUDIT: &str = "SELECT number FROM audit WHERE at < $1 ORDER BY number LIMIT $2";
const REMOVE_AUDIT: &str = "DELETE FROM audit WHERE number = ANY($1::bigint[])";
const OLD_WEBHOOK_IDS: &str = "DELETE FROM webhook_id WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM webhook_id WHERE message < $1 LIMIT $2 FOR UPDATE)) RETURNING message";
const OLD_IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM idempotency WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE)) RETURNING message";
const OLD_FINGERPRINTS: &str = "DELETE FROM fingerprint WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM fingerprint WHERE seen_at < $1 ORDER BY seen_at LIMIT $2 FOR UPDATE)) RETURNING fingerprint";
const OLD_KNOWN: &str = "DELETE FROM known WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM known WHERE seen_at < $1 ORDER BY seen_at LIMIT $2 FOR UPDATE)) RETURNING fingerprint";
const OLD_JOBS: &str = "DELETE FROM job WHERE id = ANY(ARRAY( \
     SELECT id FROM job WHERE ended_at < $1 ORDER BY id LIMIT $2 FOR UPDATE)) RETURNING id";
const OLD_SESSIONS: &str = "DELETE FROM session WHERE digest = ANY(ARRAY( \
     SELECT digest FROM session WHERE made_at < $1 ORDER BY made_at LIMIT $2 FOR UPDATE)) RETURNING digest";
const REMOVE_JOB_COMPANIES: &str = "DELETE FROM job_company WHERE job = ANY($1::bytea[])";
const OLD_FINDINGS: &str = "DELETE FROM job_finding WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM job_finding WHERE job < $1 AND NOT EXISTS (SELECT 1 FROM job WHERE id = job_finding.job) LIMIT $2))";
const LIST: &str = "SELECT class, day, count, hash FROM pruned ORDER BY day DESC, class LIMIT $1";

pub(super) async fn prune(
    db: &Postgres,
    notary: &Notary,
    class: RetentionClass,
    before: Timestamp,
    limit: usize,
    now: Timestamp,
) -> Result<usize, StoreError> {
    retried!(prune_once(db, notary, class, before, limit, now))
}

async fn prune_once(
    db: &Postgres,
    notary: &Notary,
    class: RetentionClass,
    before: Timestamp,
    limit: usize,
    now: Timestamp,
) -> Result<usize, Failure> {
    let work = db.begin().await?;
    let outcome = forget(&work, notary, class, before, limit, now).await;
    work.end(outcome).await
}

async fn forget(
    work: &Work,
    notary: &Notary,
    class: RetentionClass,
    before: Timestamp,
    limit: usize,
    now: Timestamp,
) -> Result<usize, Failure> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let lowest = lowest_id(before).to_vec();
    if class == RetentionClass::Messages {
        let lines = messages(work, &lowest, limit).await?;
        record(work, notary, class, &gone_messages(notary, &lines)).await?;
        return Ok(lines.len());
    }
    let gone: Vec<Vec<u8>> = match class {
        // Above.
        RetentionClass::Messages => Vec::new(),
        RetentionClass::Delivered => deliveries(work, OLD_DELIVERED, &lowest, rows).await?,
        RetentionClass::Dead => deliveries(work, OLD_DEAD, &lowest, rows).await?,
        RetentionClass::Audit => audit(work, before, rows).await?,
        RetentionClass::Revisions => revision::prune_postgres(work, before, rows).await?,
        RetentionClass::WebhookIds => {
            all(work, OLD_WEBHOOK_IDS, &[&lowest, &rows], |row| {
                row.try_get(0)
            })
            .await?
        }
        RetentionClass::IdempotencyKeys => {
            all(work, OLD_IDEMPOTENCY, &[&before.micros(), &rows], |row| {
                row.try_get(0)
            })
            .await?
        }
        RetentionClass::Fingerprints => {
            all(work, OLD_FINGERPRINTS, &[&before.micros(), &rows], |row| {
                row.try_get(0)
            })
            .await?
        }
        RetentionClass::Known => {
            all(work, OLD_KNOWN, &[&before.micros(), &rows], |row| {
                row.try_get(0)
            })
            .await?
        }
        RetentionClass::Jobs => jobs(work, before, rows).await?,
        RetentionClass::Sessions => {
            all(work, OLD_SESSIONS, &[&before.micros(), &rows], |row| {
                row.try_get(0)
            })
            .await?
        }
    };
    let sums = gone_today(notary, class, &gone, now);
    record(work, notary, class, &sums).await?;
    Ok(gone.len())
}

async fn record(
    work: &Work,
    notary: &Notary,
    class: RetentionClass,
    gone: &Gone,
) -> Result<(), Failure> {
    for (day, book) in gone {
        add_pruned_postgres(work, notary, class.as_str(), *day, book).await?;
    }
    Ok(())
}

struct OldMessage {
    line: Line,
    webhook_key: Option<Vec<u8>>,
    events: Vec<[u8; 16]>,
}

/// Messages whose deliveries have all ended, oldest first; one that has to stay is passed over.
async fn messages(work: &Work, lowest: &Vec<u8>, limit: usize) -> Result<Vec<Line>, Failure> {
    let up_to = sealed_up_to_postgres(work).await?;
    let mut gone = Vec::new();
    let mut after = Vec::new();
    for _ in 0..PAGES {
        let found = old_messages(work, &after, lowest, up_to, limit).await?;
        let Some(last) = found.last() else { break };
        after.clone_from(&last.line.id);
        let needed = needed(work, &found).await?;
        let free = found
            .into_iter()
            .filter(|message| message.events.iter().all(|event| !needed.contains(event)));
        let free: Vec<_> = free.take(limit - gone.len()).collect();
        remove(work, &free).await?;
        gone.extend(free.into_iter().map(|message| message.line));
        if gone.len() >= limit {
            break;
        }
    }
    Ok(gone)
}

async fn old_messages(
    work: &Work,
    after: &Vec<u8>,
    lowest: &Vec<u8>,
    up_to: i64,
    limit: usize,
) -> Result<Vec<OldMessage>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let asked: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [after, lowest, &up_to, &limit];
    let rows = all(work, OLD_MESSAGES, &asked, |row| {
        let line = Line {
            seq: row.try_get(0)?,
            id: row.try_get(1)?,
            source: row.try_get(2)?,
            received_at: row.try_get(3)?,
            sha256: row.try_get(4)?,
            headers: row.try_get(5)?,
        };
        Ok((line, row.try_get(6)?, row.try_get::<_, Vec<u8>>(7)?))
    })
    .await?;
    rows.into_iter()
        .map(|(line, webhook_key, events)| {
            let events = split_ids("message", &line.id, &events)?;
            Ok(OldMessage {
                line,
                webhook_key,
                events,
            })
        })
        .collect()
}

/// The events of these messages that a pending delivery carries.
async fn needed(work: &Work, messages: &[OldMessage]) -> Result<HashSet<[u8; 16]>, Failure> {
    let asked: Vec<&[u8]> = messages
        .iter()
        .flat_map(|message| &message.events)
        .map(|id| &id[..])
        .collect();
    let rows = all(work, DELIVERIES, &[&asked], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, Vec<u8>>(1)?))
    })
    .await?;
    let mut carried = Vec::new();
    for (event, column) in &rows {
        let event = fixed("event", event, event)?;
        carried.extend(
            read_deliveries(&event, column)?
                .into_iter()
                .map(|one| (one.delivery.to_bytes(), event)),
        );
    }
    let ids: BTreeSet<&[u8]> = carried.iter().map(|(delivery, _)| &delivery[..]).collect();
    let ids: Vec<&[u8]> = ids.into_iter().collect();
    let pending: Vec<Vec<u8>> = all(work, PENDING, &[&ids], |row| row.try_get(0)).await?;
    let pending: HashSet<Vec<u8>> = pending.into_iter().collect();
    Ok(carried
        .iter()
        .filter(|(delivery, _)| pending.contains(&delivery[..]))
        .map(|(_, event)| *event)
        .collect())
}

async fn remove(work: &Work, messages: &[OldMessage]) -> Result<(), Failure> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<&[u8]> = messages
        .iter()
        .map(|message| &message.line.id[..])
        .collect();
    let events: Vec<&[u8]> = messages
        .iter()
        .flat_map(|message| &message.events)
        .map(|id| &id[..])
        .collect();
    let removed = all(work, REMOVE_EVENTS, &[&events, &ids], |row| {
        Ok((
            row.try_get::<_, i64>(0)?,
            row.try_get::<_, Vec<u8>>(1)?,
            row.try_get::<_, Vec<u8>>(2)?,
        ))
    })
    .await?;
    let gone: Vec<&Vec<u8>> = removed.iter().map(|(.., id)| id).collect();
    run(work, REMOVE_READINGS, &[&gone]).await?;
    let (numbers, prints): (Vec<i64>, Vec<Vec<u8>>) = removed
        .into_iter()
        .map(|(seq, print, _)| (seq, print))
        .unzip();
    run(work, REMOVE_TEXTS, &[&numbers]).await?;
    run(work, REMOVE_PRINTS, &[&prints, &numbers]).await?;
    let known = messages
        .iter()
        .filter_map(|message| Some((message.webhook_key.as_ref()?, message)));
    let (keys, named): (Vec<&Vec<u8>>, Vec<&OldMessage>) = known.unzip();
    let hashes: Vec<&[u8]> = named
        .iter()
        .map(|message| &message.line.sha256[..])
        .collect();
    let known: Vec<&[u8]> = named.iter().map(|message| &message.line.id[..]).collect();
    run(work, REMOVE_WEBHOOK_IDS, &[&keys, &hashes, &known]).await?;
    run(work, REMOVE_MESSAGES, &[&ids]).await.map(drop)
}

async fn deliveries(
    work: &Work,
    oldest: &str,
    lowest: &Vec<u8>,
    rows: i64,
) -> Result<Vec<Vec<u8>>, Failure> {
    let ids: Vec<Vec<u8>> = all(work, oldest, &[lowest, &rows], |row| row.try_get(0)).await?;
    if !ids.is_empty() {
        for sql in [REMOVE_ATTEMPTS, REMOVE_JOINED, REMOVE_DELIVERIES] {
            run(work, sql, &[&ids]).await?;
        }
    }
    Ok(ids)
}

/// Their items went when they ended. Those of uploads as old that never began go as well.
async fn jobs(work: &Work, before: Timestamp, limit: i64) -> Result<Vec<Vec<u8>>, Failure> {
    let ids: Vec<Vec<u8>> = all(work, OLD_JOBS, &[&before.micros(), &limit], |row| {
        row.try_get(0)
    })
    .await?;
    run(work, REMOVE_JOB_COMPANIES, &[&ids]).await?;
    run(work, OLD_FINDINGS, &[&&lowest_id(before)[..], &limit]).await?;
    Ok(ids)
}

async fn audit(work: &Work, before: Timestamp, rows: i64) -> Result<Vec<Vec<u8>>, Failure> {
    let numbers: Vec<i64> = all(work, OLD_AUDIT, &[&before.micros(), &rows], |row| {
        row.try_get(0)
    })
    .await?;
    run(work, REMOVE_AUDIT, &[&numbers]).await?;
    Ok(numbers
        .into_iter()
        .map(|number| number.to_be_bytes().to_vec())
        .collect())
}

pub(super) async fn pruned(db: &Postgres, limit: u16) -> Result<Vec<PrunedRow>, StoreError> {
    let rows = all(&db.client().await?, LIST, &[&i64::from(limit)], |row| {
        Ok((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get::<_, i64>(2)?,
            row.try_get::<_, Vec<u8>>(3)?,
        ))
    })
    .await?;
    let read = |(class, day, count, hash): (String, i64, i64, Vec<u8>)| {
        let hash = fixed("pruned", class.as_bytes(), &hash)?;
        Ok(PrunedRow {
            class,
            day,
            count: count.unsigned_abs(),
            hash,
        })
    };
    rows.into_iter().map(read).collect()
}

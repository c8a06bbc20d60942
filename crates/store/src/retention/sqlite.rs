//! Forgetting on SQLite: a batch of the oldest, by the order of the primary key wherever ids tell the age.

use domain::Timestamp;
use rusqlite::Connection;

use super::{Gone, PrunedRow, RetentionClass, gone_messages, gone_today, lowest_id};
use crate::StoreError;
use crate::codec::split_ids;
use crate::configuration::revision;
use crate::event::read_deliveries;
use crate::proof::{Line, Notary, add_pruned_sqlite, sealed_up_to_sqlite, step_back_sqlite};
use crate::sqlite::{Care, Sqlite, all, one, run};

/// What is not sealed yet stays until it is.
const OLD_MESSAGES: &str = "SELECT seq, id, source, received_at, sha256, headers, webhook_key, events FROM message \
     WHERE id >= ?1 AND id < ?2 AND seq <= ?3 ORDER BY id LIMIT ?4";
const WEBHOOK_IDS: &str =
    "SELECT id, sha256, webhook_key FROM message WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3";
const EVENT: &str = "SELECT seq, deliveries, subject, body, fingerprint FROM event WHERE id = ?1";
const IS_PENDING: &str = "SELECT 1 FROM delivery WHERE id = ?1 AND status = 'pending'";
const INDEXED: &str = "SELECT seq FROM indexed";
const UNTEXT: &str =
    "INSERT INTO event_text (event_text, rowid, subject, body) VALUES ('delete', ?1, ?2, ?3)";
const UNFINGERPRINT: &str = "DELETE FROM event_fingerprint WHERE fingerprint = ?1 AND seq = ?2";
const REMOVE_EVENT: &str = "DELETE FROM event WHERE seq = ?1";
const REMOVE_READINGS: &str = "DELETE FROM event_reading WHERE event = ?1";
const STEP_BACK: &str =
    "UPDATE indexed SET seq = min(seq, (SELECT coalesce(max(seq), 0) FROM event))";
/// The same for what follows events and attempts by their numbers.
const STEP_BACK_EVENTS: &str =
    "UPDATE figured SET event = min(event, (SELECT coalesce(max(seq), 0) FROM event))";
const STEP_BACK_ATTEMPTS: &str =
    "UPDATE figured SET attempt = min(attempt, (SELECT coalesce(max(seq), 0) FROM attempt))";
const STEP_BACK_DRIFT: &str =
    "UPDATE drift_seen SET seq = min(seq, (SELECT coalesce(max(seq), 0) FROM event))";
const REMOVE_MESSAGE: &str = "DELETE FROM message WHERE id = ?1";
const REMOVE_WEBHOOK_ID: &str =
    "DELETE FROM webhook_id WHERE key = ?1 AND sha256 = ?2 AND message = ?3";
const OLD_DELIVERED: &str =
    "SELECT id FROM delivery WHERE status = 'delivered' AND id < ?1 ORDER BY id LIMIT ?2";
const OLD_DEAD: &str = "SELECT id FROM delivery INDEXED BY delivery_dead WHERE status = 'dead' AND id < ?1 ORDER BY id LIMIT ?2";
const REMOVE_DELIVERY: &str = "DELETE FROM delivery WHERE id = ?1";
const REMOVE_ATTEMPTS: &str = "DELETE FROM attempt WHERE delivery = ?1";
const REMOVE_JOINED: &str = "DELETE FROM delivery_event WHERE delivery = ?1";
const OLD_AUDIT: &str = "SELECT number FROM audit WHERE at < ?1 ORDER BY number LIMIT ?2";
const REMOVE_AUDIT: &str = "DELETE FROM audit WHERE number = ?1";
const OLD_IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE (scope, key) IN \
     (SELECT scope, key FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2) RETURNING message";
const OLD_FINGERPRINTS: &str = "DELETE FROM fingerprint WHERE (source, fingerprint) IN \
     (SELECT source, fingerprint FROM fingerprint WHERE seen_at < ?1 ORDER BY seen_at LIMIT ?2) RETURNING fingerprint";
const OLD_KNOWN: &str = "DELETE FROM known WHERE (company, fingerprint) IN \
     (SELECT company, fingerprint FROM known WHERE seen_at < ?1 ORDER BY seen_at LIMIT ?2) RETURNING fingerprint";
const OLD_JOBS: &str = "DELETE FROM job WHERE id IN \
     (SELECT id FROM job WHERE ended_at < ?1 ORDER BY id LIMIT ?2) RETURNING id";
const OLD_SESSIONS: &str = "DELETE FROM session WHERE digest IN \
     (SELECT digest FROM session WHERE made_at < ?1 ORDER BY made_at LIMIT ?2) RETURNING digest";
const REMOVE_JOB_COMPANIES: &str = "DELETE FROM job_company WHERE job = ?1";
const OLD_FINDINGS: &str = "DELETE FROM job_finding WHERE (job, number) IN \
     (SELECT job, number FROM job_finding WHERE job < ?1 AND NOT EXISTS (SELECT 1 FROM job WHERE id = job_finding.job) LIMIT ?2)";
const CURSOR: &str = "SELECT value FROM kept WHERE name = ?1";
const SET_CURSOR: &str =
    "INSERT INTO kept VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const LIST: &str = "SELECT class, day, count, hash FROM pruned ORDER BY day DESC, class LIMIT ?1";

/// Up to which message `webhook-id`s have been forgotten. They have no index by age: messages tell it.
const WEBHOOK_CURSOR: &str = "forgotten_webhook_ids";

/// What one batch looked at and what it forgot; a batch may look at things that have to stay.
struct Batch {
    ids: Vec<Vec<u8>>,
}

pub(super) async fn prune(
    db: &Sqlite,
    notary: Notary,
    class: RetentionClass,
    before: Timestamp,
    limit: usize,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.write(Care::Guarded, move |conn| {
        if class == RetentionClass::Messages {
            let lines = messages(conn, before, limit)?;
            record(conn, &notary, class, &gone_messages(&notary, &lines))?;
            if !lines.is_empty() {
                // Numbers of storing that are free again are given again.
                step_back_sqlite(conn, &notary)?;
                run(conn, STEP_BACK, [])?;
                run(conn, STEP_BACK_EVENTS, [])?;
                run(conn, STEP_BACK_DRIFT, [])?;
            }
            return Ok(lines.len());
        }
        let batch = match class {
            // Above.
            RetentionClass::Messages => Batch { ids: Vec::new() },
            RetentionClass::Delivered => deliveries(conn, OLD_DELIVERED, before, limit)?,
            RetentionClass::Dead => deliveries(conn, OLD_DEAD, before, limit)?,
            RetentionClass::Audit => audit(conn, before, limit)?,
            RetentionClass::Revisions => Batch {
                ids: revision::prune_sqlite(conn, before, limit)?,
            },
            RetentionClass::WebhookIds => webhook_ids(conn, before, limit)?,
            RetentionClass::IdempotencyKeys => Batch {
                ids: returned(conn, OLD_IDEMPOTENCY, before, limit)?,
            },
            RetentionClass::Fingerprints => Batch {
                ids: returned(conn, OLD_FINGERPRINTS, before, limit)?,
            },
            RetentionClass::Known => Batch {
                ids: returned(conn, OLD_KNOWN, before, limit)?,
            },
            RetentionClass::Jobs => jobs(conn, before, limit)?,
            RetentionClass::Sessions => Batch {
                ids: returned(conn, OLD_SESSIONS, before, limit)?,
            },
        };
        let gone = gone_today(&notary, class, &batch.ids, now);
        record(conn, &notary, class, &gone)?;
        Ok(batch.ids.len())
    })
    .await
}

pub(super) async fn pruned(db: &Sqlite, limit: u16) -> Result<Vec<PrunedRow>, StoreError> {
    db.read(move |conn| {
        all(conn, LIST, [limit], |row| {
            let count: i64 = row.get(2)?;
            Ok(PrunedRow {
                class: row.get(0)?,
                day: row.get(1)?,
                count: count.unsigned_abs(),
                hash: row.get(3)?,
            })
        })
    })
    .await
}

fn record(
    conn: &Connection,
    notary: &Notary,
    class: RetentionClass,
    gone: &Gone,
) -> Result<(), StoreError> {
    gone.iter()
        .try_for_each(|(day, book)| add_pruned_sqlite(conn, notary, class.as_str(), *day, book))
}

/// A message that has to stay for a pending delivery is passed over: the cursor of the walk is not kept,
/// for few deliveries wait as long as messages are kept.
fn messages(conn: &Connection, before: Timestamp, limit: i64) -> Result<Vec<Line>, StoreError> {
    let (up_to, most) = (
        sealed_up_to_sqlite(conn)?,
        usize::try_from(limit).unwrap_or(usize::MAX),
    );
    let mut gone = Vec::new();
    let mut from = [0; 16];
    // Messages that stay are looked at again each time, so the walk is bounded by what it looks at as well.
    for _ in 0..16 {
        let found = all(
            conn,
            OLD_MESSAGES,
            (from, lowest_id(before), up_to, limit),
            |row| {
                let line = Line {
                    seq: row.get(0)?,
                    id: row.get(1)?,
                    source: row.get(2)?,
                    received_at: row.get(3)?,
                    sha256: row.get(4)?,
                    headers: row.get(5)?,
                };
                let id: [u8; 16] = row.get(1)?;
                Ok((
                    id,
                    line,
                    row.get::<_, Option<Vec<u8>>>(6)?,
                    row.get::<_, Vec<u8>>(7)?,
                ))
            },
        )?;
        let Some((last, ..)) = found.last() else {
            break;
        };
        from = next(*last);
        for (id, line, webhook_key, events) in found {
            let events = split_ids("message", &id, &events)?;
            if gone.len() >= most || is_needed(conn, &events)? {
                continue;
            }
            remove_events(conn, &id, &events)?;
            if let Some(key) = webhook_key {
                run(conn, REMOVE_WEBHOOK_ID, (key, &line.sha256, id))?;
            }
            run(conn, REMOVE_MESSAGE, [id])?;
            gone.push(line);
        }
        if gone.len() >= most {
            break;
        }
    }
    Ok(gone)
}

/// The id after this one.
fn next(id: [u8; 16]) -> [u8; 16] {
    u128::from_be_bytes(id).saturating_add(1).to_be_bytes()
}

fn is_needed(conn: &Connection, events: &[[u8; 16]]) -> Result<bool, StoreError> {
    for id in events {
        let column: Option<Vec<u8>> = one(conn, EVENT, [id], |row| row.get(1))?;
        for carried in read_deliveries(id, &column.unwrap_or_default())? {
            if one(conn, IS_PENDING, [carried.delivery.to_bytes()], |_| Ok(()))?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Removes the events that came with this message; an event that was only counted again belongs to its first message.
fn remove_events(
    conn: &Connection,
    message: &[u8; 16],
    events: &[[u8; 16]],
) -> Result<(), StoreError> {
    let indexed: i64 = one(conn, INDEXED, [], |row| row.get(0))?.unwrap_or(0);
    for id in events {
        let own = one(
            conn,
            "SELECT 1 FROM event WHERE id = ?1 AND message = ?2",
            (id, message),
            |_| Ok(()),
        )?;
        if own.is_none() {
            continue;
        }
        let row = one(conn, EVENT, [id], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, Vec<u8>>(4)?,
            ))
        })?;
        let Some((seq, subject, body, fingerprint)) = row else {
            continue;
        };
        if seq <= indexed {
            run(conn, UNTEXT, (seq, subject, body))?;
            run(conn, UNFINGERPRINT, (fingerprint, seq))?;
        }
        run(conn, REMOVE_READINGS, [id])?;
        run(conn, REMOVE_EVENT, [seq])?;
    }
    Ok(())
}

fn deliveries(
    conn: &Connection,
    oldest: &str,
    before: Timestamp,
    limit: i64,
) -> Result<Batch, StoreError> {
    let ids: Vec<[u8; 16]> = all(conn, oldest, (lowest_id(before), limit), |row| row.get(0))?;
    for id in &ids {
        run(conn, REMOVE_ATTEMPTS, [id])?;
        run(conn, REMOVE_JOINED, [id])?;
        run(conn, REMOVE_DELIVERY, [id])?;
    }
    if !ids.is_empty() {
        run(conn, STEP_BACK_ATTEMPTS, [])?;
    }
    Ok(Batch {
        ids: ids.into_iter().map(Vec::from).collect(),
    })
}

fn audit(conn: &Connection, before: Timestamp, limit: i64) -> Result<Batch, StoreError> {
    let numbers: Vec<i64> = all(conn, OLD_AUDIT, (before.micros(), limit), |row| row.get(0))?;
    for number in &numbers {
        run(conn, REMOVE_AUDIT, [number])?;
    }
    Ok(Batch {
        ids: numbers
            .into_iter()
            .map(|number| number.to_be_bytes().to_vec())
            .collect(),
    })
}

/// Walks the messages from where it stopped last.
fn webhook_ids(conn: &Connection, before: Timestamp, limit: i64) -> Result<Batch, StoreError> {
    let stopped: Option<String> = one(conn, CURSOR, [WEBHOOK_CURSOR], |row| row.get(0))?;
    let from = stopped
        .and_then(|id| id.parse::<domain::MessageId>().ok())
        .map_or([0; 16], |id| next(id.to_bytes()));
    let found = all(conn, WEBHOOK_IDS, (from, lowest_id(before), limit), |row| {
        Ok((
            row.get::<_, [u8; 16]>(0)?,
            row.get::<_, Vec<u8>>(1)?,
            row.get::<_, Option<Vec<u8>>>(2)?,
        ))
    })?;
    let mut ids = Vec::with_capacity(found.len());
    for (id, sha256, webhook_key) in &found {
        if let Some(key) = webhook_key {
            run(conn, REMOVE_WEBHOOK_ID, (key, sha256, id))?;
        }
        ids.push(id.to_vec());
    }
    if let Some((last, ..)) = found.last() {
        run(
            conn,
            SET_CURSOR,
            (
                WEBHOOK_CURSOR,
                domain::MessageId::from_bytes(*last).to_string(),
            ),
        )?;
    }
    Ok(Batch { ids })
}

/// Their items went when they ended. Those of uploads as old that never began go as well.
fn jobs(conn: &Connection, before: Timestamp, limit: i64) -> Result<Batch, StoreError> {
    let ids = returned(conn, OLD_JOBS, before, limit)?;
    for id in &ids {
        run(conn, REMOVE_JOB_COMPANIES, [id])?;
    }
    let row = (lowest_id(before), limit);
    run(conn, OLD_FINDINGS, row)?;
    Ok(Batch { ids })
}

fn returned(
    conn: &Connection,
    sql: &str,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    all(conn, sql, (before.micros(), limit), |row| row.get(0))
}

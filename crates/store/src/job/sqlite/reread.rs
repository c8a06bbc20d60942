//! The step of a re-reading on SQLite.

use domain::{IntegrationId, Timestamp};
use rusqlite::{Connection, params};

use super::super::row::lane_of;
use super::step::Rung;
use crate::StoreError;
use crate::accept::{PreparedEvent, insert_event_on_sqlite, store_delivery_on_sqlite};
use crate::reading::{PreparedReadings, PreparedRevision};
use crate::search::{Indexed, reindex_sqlite};
use crate::sqlite::{one, run};

const LISTED: &str = "SELECT events FROM message WHERE id = ?1";
const DECIDED_BY: &str = "SELECT routing, company, reading FROM event WHERE id = ?1";
const INDEXED: &str = "SELECT seq, subject, body, fingerprint, deliveries FROM event WHERE id = ?1";
const KEEP_FIRST: &str = "INSERT INTO event_reading \
     SELECT id, 1, received_at, epoch, company, kind, category, severity, subject, body, reading, fingerprint, occurred_at \
     FROM event WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM event_reading WHERE event = ?1)";
const ADD: &str = "INSERT INTO event_reading \
     SELECT ?1, max(number) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM event_reading WHERE event = ?1";
const TAKE: &str = "UPDATE event SET company = ?2, kind = ?3, category = ?4, severity = ?5, decode = ?6, matched = ?7, \
     fingerprint = ?8, occurred_at = ?9, subject = ?10, body = ?11, reading = ?12 WHERE id = ?1";
const LET_GO: &str = "UPDATE event SET routing = 'routed', silence = NULL, epoch = ?2, deliveries = ?3 WHERE id = ?1";
const RELIST: &str = "UPDATE message SET decode = ?2, events = ?3 WHERE id = ?1";

/// Whether messages and events are still what they were when they were read.
pub(super) fn is_as_decided(
    conn: &Connection,
    messages: &[PreparedReadings],
) -> Result<bool, StoreError> {
    for message in messages {
        let listed: Option<Vec<u8>> = one(conn, LISTED, [message.message], |row| row.get(0))?;
        if listed.as_ref() != Some(&message.listed) {
            return Ok(false);
        }
        for revision in &message.revised {
            let found = one(conn, DECIDED_BY, [revision.event.id], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, Option<Vec<u8>>>(1)?,
                    row.get::<_, String>(2)?,
                ))
            })?;
            let Some((routing, company, reading)) = found else {
                return Ok(false);
            };
            if !revision.is_as_decided(&routing, company.as_deref(), &reading)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Adds the readings; answers how many events have a new one.
pub(super) fn write(
    conn: &Connection,
    messages: &[PreparedReadings],
    epoch: u64,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<u64, StoreError> {
    let mut done = 0;
    for message in messages {
        for revision in &message.revised {
            revise(conn, revision, epoch.cast_signed(), now, rung)?;
            done += 1;
        }
        for event in &message.further {
            let column = deliver(conn, event, Vec::new(), now, rung)?;
            insert_event_on_sqlite(conn, message.message, event, &column)?;
        }
        run(
            conn,
            RELIST,
            (message.message, message.decode, &message.events),
        )?;
    }
    Ok(done)
}

fn revise(
    conn: &Connection,
    revision: &PreparedRevision,
    epoch: i64,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<(), StoreError> {
    let event = &revision.event;
    run(conn, KEEP_FIRST, [event.id])?;
    conn.prepare_cached(ADD)?.execute(params![
        event.id,
        now.micros(),
        epoch,
        event.company,
        event.kind,
        event.category,
        event.severity,
        event.subject,
        event.body,
        event.reading,
        event.fingerprint,
        event.occurred_at,
    ])?;
    let before = one(conn, INDEXED, [event.id], |row| {
        let indexed = Indexed {
            seq: row.get(0)?,
            subject: row.get(1)?,
            body: row.get(2)?,
            fingerprint: row.get(3)?,
        };
        Ok((indexed, row.get::<_, Vec<u8>>(4)?))
    })?;
    conn.prepare_cached(TAKE)?.execute(params![
        event.id,
        event.company,
        event.kind,
        event.category,
        event.severity,
        event.decode,
        event.matched,
        event.fingerprint,
        event.occurred_at,
        event.subject,
        event.body,
        event.reading,
    ])?;
    let Some((before, column)) = before else {
        return Ok(());
    };
    let after = Indexed {
        seq: before.seq,
        subject: event.subject.clone(),
        body: event.body.clone(),
        fingerprint: event.fingerprint.to_vec(),
    };
    reindex_sqlite(conn, &before, &after)?;
    if revision.is_let_go {
        let column = deliver(conn, event, column, now, rung)?;
        run(conn, LET_GO, (event.id, epoch, column))?;
    }
    Ok(())
}

/// Stores the deliveries of an event; answers the column that names them.
fn deliver(
    conn: &Connection,
    event: &PreparedEvent,
    mut column: Vec<u8>,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Vec<u8>, StoreError> {
    for delivery in &event.deliveries {
        let lane = lane_of(delivery);
        let id = store_delivery_on_sqlite(conn, now.micros(), event.id, delivery, lane)?;
        for part in [&id, &delivery.integration, &delivery.rule] {
            column.extend_from_slice(part);
        }
        rung.insert(IntegrationId::from_bytes(delivery.integration));
    }
    Ok(column)
}

//! Accepting on SQLite: a few statements for each message, in the writer's group commit.

use std::sync::Arc;

use delivery::group::{BYTES, RECORDS};
use domain::{EventId, IntegrationId, MessageId};
use rusqlite::Connection;

use super::prepared::is_all_known;
use super::{NewGroup, Prepared, PreparedDelivery, PreparedEvent, PreparedMessage, Receipt};
use crate::codec::{fixed, join_ids, split_ids};
use crate::delivery::lane;
use crate::known::tail_on_sqlite;
use crate::sqlite::{Care, Sqlite, one, run};
use crate::{Notice, StoreError};

const EPOCH: &str = "SELECT number FROM epoch";
const IDEMPOTENCY: &str =
    "SELECT body_hash, message FROM idempotency WHERE scope = ?1 AND key = ?2";
const INSERT_IDEMPOTENCY: &str = "INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5)";
const SEEN: &str = "SELECT (SELECT message FROM webhook_id WHERE key = ?1 AND sha256 = ?2), \
     EXISTS (SELECT 1 FROM webhook_id WHERE key = ?1)";
const INSERT_WEBHOOK_ID: &str = "INSERT OR REPLACE INTO webhook_id VALUES (?1, ?2, ?3)";
const STORED: &str = "SELECT sha256, events FROM message WHERE id = ?1";
const INSERT_MESSAGE: &str = "INSERT INTO message \
     (id, source, received_at, headers, sha256, webhook_id, webhook_key, decode, id_reused, events, raw) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const FIRST_OF_FINGERPRINT: &str =
    "SELECT event, seen_at FROM fingerprint WHERE source = ?1 AND fingerprint = ?2";
const PUT_FINGERPRINT: &str = "INSERT OR REPLACE INTO fingerprint VALUES (?1, ?2, ?3, ?4)";
const COUNT_AGAIN: &str =
    "UPDATE event SET count = count + ?2, last_seen_at = ?3, last_message = ?4 WHERE id = ?1";
const SEE_AGAIN: &str =
    "UPDATE fingerprint SET seen_at = ?3 WHERE source = ?1 AND fingerprint = ?2";
const REOPEN: &str = "UPDATE event SET reopened = ?2 WHERE id = ?1";
const INSERT_EVENT: &str = "INSERT INTO event (id, message, source, company, kind, category, severity, decode, \
     matched, routing, fingerprint, occurred_at, received_at, count, epoch, subject, body, reading, via, deliveries, \
     silence) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
const OPEN_GROUP: &str = "SELECT id, due_at, records, bytes FROM delivery WHERE group_key = ?1";
const JOIN_GROUP: &str = "UPDATE delivery SET records = ?2, bytes = ?3 WHERE id = ?1";
const JOIN_EVENT: &str = "INSERT INTO delivery_event VALUES (?1, ?2)";
const CLOSE_GROUP: &str = "UPDATE delivery SET group_key = NULL WHERE id = ?1";
const INSERT_DELIVERY: &str = "INSERT INTO delivery (id, integration, lane, status, attempts, due_at, critical, rule, \
     company, event, created_at, group_key, records, bytes, hash, headers, body) \
     VALUES (?1, ?2, ?3, 'pending', 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

pub(super) async fn accept(db: &Sqlite, prepared: Prepared) -> Result<Receipt, StoreError> {
    let rung = rung(&prepared);
    let notices = Arc::clone(&db.notices);
    let after = move |receipt: &Receipt| {
        if let Receipt::Stored { .. } = receipt {
            notices.bell().ring(rung);
            notices.tell(Notice::Events);
        }
    };
    // What is new alone may be refused late, when the index lags too far behind.
    let care = if prepared.only_new {
        Care::Guarded
    } else {
        Care::Hot
    };
    let prepared = Arc::new(prepared);
    let written = Arc::clone(&prepared);
    let receipt = db
        .write_then(care, move |conn| store(conn, &written), after)
        .await;
    // Kept until here, so that its many small parts are freed by the thread that made them and not by the writer.
    drop(prepared);
    receipt
}

fn rung(prepared: &Prepared) -> Vec<IntegrationId> {
    let deliveries = prepared.events.iter().flat_map(|event| &event.deliveries);
    deliveries
        .map(|delivery| IntegrationId::from_bytes(delivery.integration))
        .collect()
}

fn store(conn: &Connection, prepared: &Prepared) -> Result<Receipt, StoreError> {
    if let Some(receipt) = refusal(conn, prepared)? {
        return Ok(receipt);
    }
    let message = &prepared.message;
    let id_reused = match seen(conn, message)? {
        Seen::Before(receipt) => return Ok(receipt),
        Seen::Never { id_reused } => id_reused || message.id_reused,
    };
    if let Some(idempotency) = &prepared.idempotency {
        let row = (
            &idempotency.scope,
            &idempotency.key,
            idempotency.body_hash,
            message.id,
            message.received_at,
        );
        run(conn, INSERT_IDEMPOTENCY, row)?;
    }
    let events = match prepared.only_new {
        false => prepared
            .events
            .iter()
            .map(|event| store_event(conn, message, event))
            .collect::<Result<Vec<_>, _>>()?,
        true => store_new(conn, message, &prepared.events)?,
    };
    if prepared.only_new && is_all_known(&prepared.events, &events) {
        let events = events.into_iter().map(EventId::from_bytes).collect();
        return Ok(Receipt::Known { events });
    }
    let row = (
        message.id,
        message.source,
        message.received_at,
        &message.headers,
        message.sha256,
        &message.webhook_id,
        message.webhook_key,
        message.decode,
        id_reused,
        join_ids(events.iter().copied()),
        &message.raw,
    );
    run(conn, INSERT_MESSAGE, row)?;
    let events = events.into_iter().map(EventId::from_bytes).collect();
    Ok(Receipt::Stored {
        message: MessageId::from_bytes(message.id),
        events,
    })
}

/// An answer that stores nothing, by epoch or idempotency key.
fn refusal(conn: &Connection, prepared: &Prepared) -> Result<Option<Receipt>, StoreError> {
    if let Some(idempotency) = &prepared.idempotency {
        let twin = one(
            conn,
            IDEMPOTENCY,
            (&idempotency.scope, &idempotency.key),
            |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, [u8; 16]>(1)?)),
        )?;
        match twin {
            Some((body_hash, _)) if body_hash != idempotency.body_hash => {
                return Ok(Some(Receipt::KeyReused));
            }
            Some((_, message)) => {
                if let Some(receipt) = duplicate(conn, message)? {
                    return Ok(Some(receipt));
                }
            }
            None => {}
        }
    }
    let epoch: Option<i64> = one(conn, EPOCH, [], |row| row.get(0))?;
    match epoch {
        Some(epoch) if epoch == prepared.epoch => Ok(None),
        epoch => Ok(Some(Receipt::Moved {
            epoch: epoch.unwrap_or(0).cast_unsigned(),
        })),
    }
}

enum Seen {
    Before(Receipt),
    Never { id_reused: bool },
}

/// Looks the `webhook-id` up, and remembers it when it is new.
fn seen(conn: &Connection, message: &PreparedMessage) -> Result<Seen, StoreError> {
    let Some(key) = message.webhook_key else {
        return Ok(Seen::Never { id_reused: false });
    };
    let row = one(conn, SEEN, (key, message.sha256), |row| {
        Ok((row.get::<_, Option<[u8; 16]>>(0)?, row.get::<_, bool>(1)?))
    })?;
    let (earlier, reused) = row.unwrap_or((None, false));
    if let Some(earlier) = earlier
        && let Some(receipt) = duplicate(conn, earlier)?
    {
        return Ok(Seen::Before(receipt));
    }
    run(conn, INSERT_WEBHOOK_ID, (key, message.sha256, message.id))?;
    Ok(Seen::Never {
        id_reused: reused && earlier.is_none(),
    })
}

/// The answer that the first one got; none when retention has taken the message before its key.
fn duplicate(conn: &Connection, message: [u8; 16]) -> Result<Option<Receipt>, StoreError> {
    let row = one(conn, STORED, [message], |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let Some((sha256, events)) = row else {
        return Ok(None);
    };
    let events = split_ids("message", &message, &events)?
        .into_iter()
        .map(EventId::from_bytes)
        .collect();
    Ok(Some(Receipt::Duplicate {
        message: MessageId::from_bytes(message),
        sha256,
        events,
    }))
}

/// Stores those events that tell of what their company is not known to have.
fn store_new(
    conn: &Connection,
    message: &PreparedMessage,
    events: &[PreparedEvent],
) -> Result<Vec<[u8; 16]>, StoreError> {
    let known = tail_on_sqlite(conn, events.iter().map(PreparedEvent::print))?;
    let event = |event: &PreparedEvent| match known.meet(
        conn,
        event.print(),
        event.id,
        message.received_at,
    )? {
        Some(earlier) => Ok(earlier),
        None => store_event(conn, message, event),
    };
    events.iter().map(event).collect()
}

/// Stores an event with its deliveries, or counts it on an earlier one; answers the id that stands for it.
fn store_event(
    conn: &Connection,
    message: &PreparedMessage,
    event: &PreparedEvent,
) -> Result<[u8; 16], StoreError> {
    let reopened = match earlier(conn, message, event)? {
        Earlier::Counted(earlier) => return Ok(earlier),
        Earlier::Quiet(earlier) => Some(earlier),
        Earlier::None => None,
    };
    let mut deliveries = Vec::with_capacity(48 * event.deliveries.len());
    for delivery in &event.deliveries {
        let lane = lane(delivery.critical, 0);
        let id = store_delivery(conn, message.received_at, event.id, delivery, lane)?;
        for part in [&id, &delivery.integration, &delivery.rule] {
            deliveries.extend_from_slice(part);
        }
    }
    insert_event(conn, message.id, event, &deliveries)?;
    if let Some(earlier) = reopened {
        run(conn, REOPEN, (event.id, earlier))?;
    }
    Ok(event.id)
}

/// Adds the row of an event. `deliveries` is its column.
pub(crate) fn insert_event(
    conn: &Connection,
    message: [u8; 16],
    event: &PreparedEvent,
    deliveries: &[u8],
) -> Result<(), StoreError> {
    let mut insert = conn.prepare_cached(INSERT_EVENT)?;
    insert.execute(rusqlite::params![
        event.id,
        message,
        event.source,
        event.company,
        event.kind,
        event.category,
        event.severity,
        event.decode,
        event.matched,
        event.routing,
        event.fingerprint,
        event.occurred_at,
        event.received_at,
        event.count,
        event.epoch,
        event.subject,
        event.body,
        event.reading,
        event.via,
        deliveries,
        event.silence,
    ])?;
    Ok(())
}

/// What is known of the same thing at the same source.
enum Earlier {
    None,
    /// It was quiet for the window, so the new event opens it again.
    Quiet([u8; 16]),
    /// The new event was counted on it.
    Counted([u8; 16]),
}

/// The window runs from the last time that it was seen: what goes on is one event, however long it takes.
fn earlier(
    conn: &Connection,
    message: &PreparedMessage,
    event: &PreparedEvent,
) -> Result<Earlier, StoreError> {
    let (Some(window), Some(source)) = (event.dedup_window_micros, event.source) else {
        return Ok(Earlier::None);
    };
    let first = one(
        conn,
        FIRST_OF_FINGERPRINT,
        (source, event.fingerprint),
        |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?)),
    )?;
    let mut found = Earlier::None;
    if let Some((earlier, seen_at)) = first {
        let now = event.received_at.max(seen_at);
        if now - seen_at >= window {
            found = Earlier::Quiet(earlier);
        } else if run(conn, COUNT_AGAIN, (earlier, event.count, now, message.id))? == 1 {
            run(conn, SEE_AGAIN, (source, event.fingerprint, now))?;
            return Ok(Earlier::Counted(earlier));
        }
    }
    run(
        conn,
        PUT_FINGERPRINT,
        (source, event.fingerprint, event.id, event.received_at),
    )?;
    Ok(found)
}

/// Stores a delivery, or joins an open one; answers the id of the one that carries the event.
pub(crate) fn store_delivery(
    conn: &Connection,
    created_at: i64,
    event: [u8; 16],
    delivery: &PreparedDelivery,
    lane: i16,
) -> Result<[u8; 16], StoreError> {
    if let Some(group) = &delivery.group
        && let Some(joined) = join(conn, event, group)?
    {
        return Ok(joined);
    }
    let alert = delivery.alert.as_ref();
    run(
        conn,
        INSERT_DELIVERY,
        (
            delivery.id,
            delivery.integration,
            lane,
            delivery.due_at,
            delivery.critical,
            delivery.rule,
            delivery.company,
            event,
            created_at,
            delivery.group.as_ref().map(|group| &group.key),
            delivery.group.as_ref().map_or(0, |group| group.records),
            delivery.group.as_ref().map_or(0, |group| group.bytes),
            alert.map(|alert| alert.hash),
            alert.map(|alert| &alert.headers),
            alert.map(|alert| &alert.body),
        ),
    )?;
    Ok(delivery.id)
}

/// Joins the open group of this key when its window lasts and it has room; otherwise closes it.
fn join(
    conn: &Connection,
    event: [u8; 16],
    group: &NewGroup,
) -> Result<Option<[u8; 16]>, StoreError> {
    let open = one(conn, OPEN_GROUP, [&group.key], |row| {
        Ok((
            row.get::<_, Vec<u8>>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, u32>(2)?,
            row.get::<_, u32>(3)?,
        ))
    })?;
    let Some((id, due_at, records, bytes)) = open else {
        return Ok(None);
    };
    let (records, bytes) = (
        records.saturating_add(group.records),
        bytes.saturating_add(group.bytes),
    );
    let id = fixed("delivery", &id, &id)?;
    if due_at > group.asked_at.micros() && records <= RECORDS && bytes <= BYTES {
        run(conn, JOIN_GROUP, (id, records, bytes))?;
        run(conn, JOIN_EVENT, (id, event))?;
        return Ok(Some(id));
    }
    run(conn, CLOSE_GROUP, [id])?;
    Ok(None)
}

//! The step of a re-reading on PostgreSQL.

use domain::{IntegrationId, Timestamp};

use super::step::{Rung, store};
use crate::accept::PreparedEvent;
use crate::postgres::{Failure, Work, all, one, run, sound};
use crate::reading::{PreparedReadings, PreparedRevision};
use crate::search::{Indexed, lock_index_postgres, reindex_postgres};

const EVENTS: &str = "SELECT id, routing, company, reading FROM event WHERE id = ANY($1::bytea[]) ORDER BY id FOR UPDATE";
const LISTED: &str =
    "SELECT id, events FROM message WHERE id = ANY($1::bytea[]) ORDER BY id FOR UPDATE";
const INDEXED: &str = "SELECT seq, subject, body, fingerprint FROM event WHERE id = $1";
const KEEP_FIRST: &str = "INSERT INTO event_reading \
     SELECT id, 1, received_at, epoch, company, kind, category, severity, subject, body, reading, fingerprint, occurred_at \
     FROM event WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM event_reading WHERE event = $1)";
const ADD: &str = "INSERT INTO event_reading \
     SELECT $1::bytea, max(number) + 1, $2::bigint, $3::bigint, $4::bytea, $5::text, $6::text, $7::smallint, $8::text, \
     $9::text, $10::text, $11::bytea, $12::bigint FROM event_reading WHERE event = $1";
const TAKE: &str = "UPDATE event SET company = $2, kind = $3, category = $4, severity = $5, decode = $6, matched = $7, \
     fingerprint = $8, occurred_at = $9, subject = $10, body = $11, reading = $12 WHERE id = $1";
const LET_GO: &str = "UPDATE event SET routing = 'routed', silence = NULL, epoch = $2, deliveries = deliveries || $3::bytea WHERE id = $1";
const RELIST: &str = "UPDATE message SET decode = $2, events = $3 WHERE id = $1";
const INSERT_EVENT: &str = "INSERT INTO event (id, message, source, company, kind, category, severity, decode, matched, \
     routing, fingerprint, occurred_at, received_at, count, epoch, subject, body, reading, via, deliveries, silence) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

/// Whether messages and events are still what they were when they were read. Until the transaction ends nobody changes them.
pub(super) async fn is_as_decided(
    work: &Work,
    messages: &[PreparedReadings],
) -> Result<bool, Failure> {
    let revised: Vec<&PreparedRevision> = messages
        .iter()
        .flat_map(|message| &message.revised)
        .collect();
    let ids: Vec<&[u8]> = revised.iter().map(|each| &each.event.id[..]).collect();
    let found = all(work, EVENTS, &[&ids], |row| {
        Ok((
            row.try_get::<_, Vec<u8>>(0)?,
            row.try_get::<_, String>(1)?,
            row.try_get::<_, Option<Vec<u8>>>(2)?,
            row.try_get::<_, String>(3)?,
        ))
    })
    .await?;
    for revision in revised {
        let row = found.iter().find(|(id, ..)| id[..] == revision.event.id);
        let Some((_, routing, company, reading)) = row else {
            return Ok(false);
        };
        if !revision.is_as_decided(routing, company.as_deref(), reading)? {
            return Ok(false);
        }
    }
    let ids: Vec<&[u8]> = messages.iter().map(|one| &one.message[..]).collect();
    let listed = all(work, LISTED, &[&ids], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get::<_, Vec<u8>>(1)?))
    })
    .await?;
    Ok(messages.iter().all(|message| {
        listed
            .iter()
            .any(|(id, events)| id[..] == message.message && *events == message.listed)
    }))
}

/// Adds the readings; answers how many events have a new one.
pub(super) async fn write(
    work: &Work,
    messages: &[PreparedReadings],
    epoch: u64,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<u64, Failure> {
    let indexed = lock_index_postgres(work).await?;
    let mut done = 0;
    for message in messages {
        for revision in &message.revised {
            revise(work, revision, epoch.cast_signed(), now, indexed).await?;
            if revision.is_let_go {
                let column = deliver(work, &revision.event, now, rung).await?;
                let id = &&revision.event.id[..];
                run(work, LET_GO, &[id, &epoch.cast_signed(), &column]).await?;
            }
            done += 1;
        }
        for event in &message.further {
            let column = deliver(work, event, now, rung).await?;
            insert_event(work, &message.message, event, &column).await?;
        }
        let (id, events) = (&&message.message[..], &message.events);
        run(work, RELIST, &[id, &message.decode, events]).await?;
    }
    Ok(done)
}

async fn revise(
    work: &Work,
    revision: &PreparedRevision,
    epoch: i64,
    now: Timestamp,
    indexed: i64,
) -> Result<(), Failure> {
    let event = &revision.event;
    let id = &&event.id[..];
    let (subject, body) = (sound(&event.subject), sound(&event.body));
    let company = event.company.as_ref().map(|id| &id[..]);
    let (kind, category) = (
        event.kind.as_deref().map(sound),
        event.category.as_deref().map(sound),
    );
    let fingerprint = &event.fingerprint[..];
    run(work, KEEP_FIRST, &[id]).await?;
    run(
        work,
        ADD,
        &[
            id,
            &now.micros(),
            &epoch,
            &company,
            &kind,
            &category,
            &event.severity,
            &subject,
            &body,
            &event.reading,
            &fingerprint,
            &event.occurred_at,
        ],
    )
    .await?;
    let before = one(work, INDEXED, &[id], |row| {
        Ok(Indexed {
            seq: row.try_get(0)?,
            subject: row.try_get(1)?,
            body: row.try_get(2)?,
            fingerprint: row.try_get(3)?,
        })
    })
    .await?;
    run(
        work,
        TAKE,
        &[
            id,
            &company,
            &kind,
            &category,
            &event.severity,
            &event.decode,
            &event.matched,
            &fingerprint,
            &event.occurred_at,
            &subject,
            &body,
            &event.reading,
        ],
    )
    .await?;
    if let Some(before) = before.filter(|before| before.seq <= indexed) {
        let after = Indexed {
            seq: before.seq,
            subject: subject.into_owned(),
            body: body.into_owned(),
            fingerprint: event.fingerprint.to_vec(),
        };
        reindex_postgres(work, &before, &after).await?;
    }
    Ok(())
}

/// Stores the deliveries of an event; answers the part of a column that names them.
async fn deliver(
    work: &Work,
    event: &PreparedEvent,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Vec<u8>, Failure> {
    // In the order in which accepts lock the keys of open groups.
    let mut deliveries: Vec<_> = event.deliveries.iter().collect();
    deliveries.sort_by_key(|delivery| delivery.group.as_ref().map(|group| group.key.as_str()));
    let mut column = Vec::with_capacity(48 * deliveries.len());
    for delivery in deliveries {
        let id = store(work, now.micros(), event.id, delivery).await?;
        for part in [&id, &delivery.integration, &delivery.rule] {
            column.extend_from_slice(part);
        }
        rung.insert(IntegrationId::from_bytes(delivery.integration));
    }
    Ok(column)
}

async fn insert_event(
    work: &Work,
    message: &[u8; 16],
    event: &PreparedEvent,
    deliveries: &[u8],
) -> Result<(), Failure> {
    let optional = |id: &Option<[u8; 16]>| id.map(Vec::from);
    let text = |text: &Option<String>| text.as_deref().map(|text| sound(text).into_owned());
    run(
        work,
        INSERT_EVENT,
        &[
            &&event.id[..],
            &&message[..],
            &optional(&event.source),
            &optional(&event.company),
            &text(&event.kind),
            &text(&event.category),
            &event.severity,
            &event.decode,
            &event.matched,
            &event.routing,
            &&event.fingerprint[..],
            &event.occurred_at,
            &event.received_at,
            &event.count,
            &event.epoch,
            &sound(&event.subject),
            &sound(&event.body),
            &event.reading,
            &event.via,
            &deliveries,
            &optional(&event.silence),
        ],
    )
    .await
    .map(drop)
}

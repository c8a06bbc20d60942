//! An event's row as both databases give it, and how it becomes an [`Event`].

use domain::event::{Event, Fingerprint, Repeats, Routing};
use domain::{CompanyId, EventId, MessageId, SilenceId, SourceId, Timestamp};

use super::EventDelivery;
use crate::StoreError;
use crate::codec::{fixed, hex, of_json, severity_of_rank, split_ids};

const TABLE: &str = "event";

/// The columns of [`EventRow`], in its order.
pub(crate) const COLUMNS: &str = "id, message, source, company, kind, category, subject, body, severity, reading, \
     fingerprint, occurred_at, received_at, count, routing, epoch, via, silence, last_seen_at, last_message, reopened";

/// Bytes and numbers as stored; nothing is checked yet.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) id: Vec<u8>,
    pub(crate) message: Vec<u8>,
    pub(crate) source: Option<Vec<u8>>,
    pub(crate) company: Option<Vec<u8>>,
    pub(crate) kind: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) severity: i16,
    pub(crate) reading: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) occurred_at: Option<i64>,
    pub(crate) received_at: i64,
    pub(crate) count: i32,
    pub(crate) routing: String,
    pub(crate) epoch: i64,
    pub(crate) via: Option<String>,
    pub(crate) silence: Option<Vec<u8>>,
    pub(crate) last_seen_at: Option<i64>,
    pub(crate) last_message: Option<Vec<u8>>,
    pub(crate) reopened: Option<Vec<u8>>,
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let id = &row.id;
        let optional =
            |bytes: Option<Vec<u8>>| bytes.map(|bytes| fixed(TABLE, id, &bytes)).transpose();
        let corrupt = |detail: String| StoreError::corrupt(TABLE, hex(id), detail);
        Ok(Self {
            id: EventId::from_bytes(fixed(TABLE, id, id)?),
            message: MessageId::from_bytes(fixed(TABLE, id, &row.message)?),
            source: optional(row.source)?.map(SourceId::from_bytes),
            company: optional(row.company)?.map(CompanyId::from_bytes),
            kind: row.kind,
            category: row.category,
            subject: row.subject,
            body: row.body,
            severity: severity_of_rank(TABLE, id, row.severity)?,
            reading: of_json(TABLE, id, &row.reading)?,
            fingerprint: Fingerprint(fixed(TABLE, id, &row.fingerprint)?),
            occurred_at: row.occurred_at.map(Timestamp::from_micros),
            received_at: Timestamp::from_micros(row.received_at),
            count: u32::try_from(row.count).map_err(|_| corrupt(format!("count {}", row.count)))?,
            routing: Routing::of_word(&row.routing)
                .ok_or_else(|| corrupt(format!("routing `{}`", row.routing)))?,
            silence: optional(row.silence)?.map(SilenceId::from_bytes),
            epoch: row.epoch.cast_unsigned(),
            via: row
                .via
                .map_or(Ok(Vec::new()), |via| of_json(TABLE, id, &via))?,
            repeats: Repeats {
                last: row
                    .last_seen_at
                    .map(Timestamp::from_micros)
                    .zip(optional(row.last_message)?.map(MessageId::from_bytes)),
                reopened: optional(row.reopened)?.map(EventId::from_bytes),
            },
        })
    }
}

/// The deliveries of an event stand in one column of its row: delivery, integration, rule, and so on.
pub(crate) fn read_deliveries(id: &[u8], bytes: &[u8]) -> Result<Vec<EventDelivery>, StoreError> {
    let ids = split_ids(TABLE, id, bytes)?;
    let (triples, rest) = ids.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(StoreError::corrupt(
            TABLE,
            hex(id),
            "a list of deliveries is cut short",
        ));
    }
    let deliveries = triples
        .iter()
        .map(|[delivery, integration, rule]| EventDelivery {
            delivery: domain::DeliveryId::from_bytes(*delivery),
            integration: domain::IntegrationId::from_bytes(*integration),
            rule: domain::RuleId::from_bytes(*rule),
        });
    Ok(deliveries.collect())
}

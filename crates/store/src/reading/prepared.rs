//! New readings in the columns that both databases store, and a stored reading on its way back.

use domain::event::{Event, Fingerprint, Reading};
use domain::{CompanyId, EventId, Timestamp};

use super::{NewReading, NewReadings, PastReading};
use crate::accept::PreparedEvent;
use crate::codec::{fixed, hex, join_ids, of_json, severity_of_rank};
use crate::{Accepted, StoreError};

const TABLE: &str = "event_reading";

/// The columns of [`ReadingRow`], in its order.
pub(super) const COLUMNS: &str = "number, at, epoch, company, kind, category, severity, subject, body, reading, \
     fingerprint, occurred_at";

#[derive(Debug)]
pub(crate) struct PreparedReadings {
    pub(crate) message: [u8; 16],
    pub(crate) decode: &'static str,
    /// The column of the message as it was when it was read, and as it will be.
    pub(crate) listed: Vec<u8>,
    pub(crate) events: Vec<u8>,
    pub(crate) revised: Vec<PreparedRevision>,
    pub(crate) further: Vec<PreparedEvent>,
}

#[derive(Debug)]
pub(crate) struct PreparedRevision {
    /// The event as it will be, with the deliveries that let it go.
    pub(crate) event: PreparedEvent,
    pub(crate) is_let_go: bool,
    reading: Reading,
    routing: &'static str,
    company: Option<[u8; 16]>,
}

impl PreparedReadings {
    pub(crate) fn new(new: NewReadings) -> Self {
        let listed = join_ids(new.listed.into_iter().map(EventId::to_bytes));
        let further: Vec<_> = new.further.into_iter().map(PreparedEvent::new).collect();
        let mut events = listed.clone();
        events.extend(further.iter().flat_map(|event| event.id));
        Self {
            message: new.message.to_bytes(),
            decode: new.decode.as_str(),
            listed,
            events,
            revised: new.revised.into_iter().map(PreparedRevision::new).collect(),
            further,
        }
    }
}

impl PreparedRevision {
    fn new(new: NewReading) -> Self {
        let Event {
            reading,
            routing,
            company,
            ..
        } = new.before;
        Self {
            is_let_go: new.deliveries.is_some(),
            event: PreparedEvent::new(Accepted {
                event: new.after,
                deliveries: new.deliveries.unwrap_or_default(),
                dedup_window: None,
            }),
            reading,
            routing: routing.as_str(),
            company: company.map(CompanyId::to_bytes),
        }
    }

    /// Whether the event is still what it was when its message was read.
    pub(crate) fn is_as_decided(
        &self,
        routing: &str,
        company: Option<&[u8]>,
        reading: &str,
    ) -> Result<bool, StoreError> {
        let is: Reading = of_json("event", &self.event.id, reading)?;
        Ok(routing == self.routing
            && company == self.company.as_ref().map(|id| &id[..])
            && is == self.reading)
    }
}

/// A stored reading in its columns.
#[derive(Debug)]
pub(super) struct ReadingRow {
    pub(super) number: i64,
    pub(super) at: i64,
    pub(super) epoch: i64,
    pub(super) company: Option<Vec<u8>>,
    pub(super) kind: Option<String>,
    pub(super) category: Option<String>,
    pub(super) severity: i16,
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) reading: String,
    pub(super) fingerprint: Vec<u8>,
    pub(super) occurred_at: Option<i64>,
}

impl ReadingRow {
    pub(super) fn read(self, event: EventId) -> Result<PastReading, StoreError> {
        let id = &event.to_bytes();
        let company = self.company.map(|bytes| fixed(TABLE, id, &bytes));
        let number = u64::try_from(self.number).map_err(|_| {
            StoreError::corrupt(TABLE, hex(id), format_args!("number {}", self.number))
        })?;
        Ok(PastReading {
            number,
            at: Timestamp::from_micros(self.at),
            epoch: self.epoch.cast_unsigned(),
            company: company.transpose()?.map(CompanyId::from_bytes),
            kind: self.kind,
            category: self.category,
            severity: severity_of_rank(TABLE, id, self.severity)?,
            subject: self.subject,
            body: self.body,
            reading: of_json(TABLE, id, &self.reading)?,
            fingerprint: Fingerprint(fixed(TABLE, id, &self.fingerprint)?),
            occurred_at: self.occurred_at.map(Timestamp::from_micros),
        })
    }
}

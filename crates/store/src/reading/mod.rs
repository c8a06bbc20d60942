//! Readings: what a stored message is read as again, and all that an event was ever read as.
//!
//! They are written by the steps of a job ([`crate::job`]): the new reading of an event, and the change of the event's own
//! columns, which say what its newest reading says, are one transaction.

mod postgres;
mod prepared;
mod sqlite;

use std::collections::HashMap;

use domain::access::Scope;
use domain::event::{Event, Fingerprint, Reading};
use domain::message::{Decode, Message};
use domain::{CompanyId, EventId, MessageId, Severity, Timestamp};

use crate::{Accepted, Backend, NewDelivery, Page, PageAt, Store, StoreError};

pub(crate) use prepared::{PreparedReadings, PreparedRevision};

/// Events whose rows are read at once on the way to their messages: few, for each may hold a megabyte of text.
const AT_ONCE: usize = 20;

/// A stored message with those of its events that are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub message: Message,
    /// All of its events, in the order of its alerts. One that was counted on an earlier event has that one's id.
    pub listed: Vec<EventId>,
    pub events: Vec<Event>,
}

/// What is found of the events that are to be read again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToReadAgain {
    pub stored: Vec<Stored>,
    /// How many of the ids this answer is about; the others have to be asked for again.
    pub taken: usize,
    /// They, or their raw message, were pruned, or the scope does not admit them.
    pub gone: u64,
    /// They came as fields, by the API: there is nothing to read.
    pub raised: u64,
    /// Their message cannot be read from the database.
    pub corrupt: u64,
}

/// What a message was read as again: what there is to be written of it.
#[derive(Debug, Clone)]
pub struct NewReadings {
    pub message: MessageId,
    pub decode: Decode,
    /// The events that it had when it was read.
    pub listed: Vec<EventId>,
    pub revised: Vec<NewReading>,
    /// Events beyond those that it had.
    pub further: Vec<Accepted>,
}

/// A new reading of an event.
#[derive(Debug, Clone)]
pub struct NewReading {
    pub before: Event,
    pub after: Event,
    /// Where it goes, when it is let go.
    pub deliveries: Option<Vec<NewDelivery>>,
}

/// What an event was read as at some time.
#[derive(Debug, Clone, PartialEq)]
pub struct PastReading {
    /// 1 is the one that it came in with.
    pub number: u64,
    pub at: Timestamp,
    /// The epoch of configuration and catalogue that it was read under.
    pub epoch: u64,
    pub company: Option<CompanyId>,
    pub kind: Option<String>,
    pub category: Option<String>,
    pub severity: Severity,
    pub subject: String,
    pub body: String,
    pub reading: Reading,
    pub fingerprint: Fingerprint,
    pub occurred_at: Option<Timestamp>,
}

impl PastReading {
    /// The only reading of an event that was read once.
    fn of(event: Event) -> Self {
        Self {
            number: 1,
            at: event.received_at,
            epoch: event.epoch,
            company: event.company,
            kind: event.kind,
            category: event.category,
            severity: event.severity,
            subject: event.subject,
            body: event.body,
            reading: event.reading,
            fingerprint: event.fingerprint,
            occurred_at: event.occurred_at,
        }
    }
}

impl Store {
    /// Messages with the events of these ids, oldest first; it ends early once raw messages of this many bytes are together.
    pub async fn to_read_again(
        &self,
        scope: &Scope,
        ids: &[EventId],
        bytes: usize,
    ) -> Result<ToReadAgain, StoreError> {
        let mut found = ToReadAgain::default();
        let mut together = 0;
        for some in ids.chunks(AT_ONCE) {
            let events = self.events_of(scope, some).await?;
            found.gone += (some.len() - events.len()) as u64;
            found.taken += some.len();
            for (message, events) in by_message(events) {
                let count = events.len() as u64;
                if events.iter().any(|event| event.source.is_none()) {
                    found.raised += count;
                    continue;
                }
                match self.message(&Scope::All, message).await {
                    Ok(Some((message, listed))) => {
                        together += message.raw.len();
                        found.stored.push(Stored {
                            message,
                            listed,
                            events,
                        });
                    }
                    Ok(None) => found.gone += count,
                    Err(StoreError::Corrupt { .. }) => found.corrupt += count,
                    Err(error) => return Err(error),
                }
            }
            if together >= bytes {
                break;
            }
        }
        Ok(found)
    }

    /// All readings of an event, newest first; none when the scope does not admit it.
    pub async fn readings(
        &self,
        scope: &Scope,
        id: EventId,
        at: &PageAt,
    ) -> Result<Option<Page<PastReading>>, StoreError> {
        let Some(event) = self.event(scope, id).await? else {
            return Ok(None);
        };
        let mut rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::readings(db, id, at).await?,
            Backend::Postgres(db) => postgres::readings(db, id, at).await?,
        };
        if rows.is_empty() && at.after_number()?.is_none() {
            rows.push(PastReading::of(event));
        }
        Ok(Some(Page::of(rows, at, |row| row.number.to_string())))
    }
}

/// In the order in which the messages are first met.
fn by_message(events: Vec<Event>) -> Vec<(MessageId, Vec<Event>)> {
    let mut places: HashMap<MessageId, usize> = HashMap::new();
    let mut groups: Vec<(MessageId, Vec<Event>)> = Vec::new();
    for event in events {
        let place = *places.entry(event.message).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(event),
            None => groups.push((event.message, vec![event])),
        }
    }
    groups
}

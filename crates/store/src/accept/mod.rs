//! An alert comes in: one transaction for the message, its events, their deliveries and the duplicate keys.

mod postgres;
mod prepared;
mod sqlite;

use std::time::Duration;

use domain::event::Event;
use domain::message::Message;
use domain::{EventId, MessageId};

use crate::{Backend, Store, StoreError};

pub use delivery::{NewDelivery, NewGroup};

pub(crate) use postgres::commit as commit_on_postgres;
pub(crate) use prepared::{Prepared, PreparedDelivery, PreparedEvent, PreparedMessage};
pub(crate) use sqlite::{
    insert_event as insert_event_on_sqlite, store_delivery as store_delivery_on_sqlite,
};

/// A message that was read and matched, to be stored as a whole.
#[derive(Debug, Clone)]
pub struct Acceptance {
    pub message: Message,
    pub events: Vec<Accepted>,
    pub idempotency: Option<Idempotency>,
    /// An event that tells of what its company is known to have is not stored: the earlier one stands for it. When all are
    /// such, nothing is stored at all.
    pub only_new: bool,
    /// The epoch that the events were matched under.
    pub epoch: u64,
}

/// The `Idempotency-Key` of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: the id of the API key.
    pub scope: String,
    pub key: String,
    pub body_hash: [u8; 32],
}

/// An event with the deliveries that matching decided on.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub event: Event,
    pub deliveries: Vec<NewDelivery>,
    /// Within this time after the last event of the same source and fingerprint, this one is only counted on the first.
    pub dedup_window: Option<Duration>,
}

/// What became of an acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Stored and fsynced. An event that was counted on an earlier one, or told of what is known, is named by the earlier
    /// one's id.
    Stored {
        message: MessageId,
        events: Vec<EventId>,
    },
    /// Seen before, by `webhook-id` and body or by idempotency key; nothing new was stored.
    Duplicate {
        message: MessageId,
        sha256: [u8; 32],
        events: Vec<EventId>,
    },
    /// All of it is known to its company; nothing was stored. These are the events that told of it first.
    Known { events: Vec<EventId> },
    /// The configuration has moved since matching; nothing was stored. Match again under this epoch.
    Moved { epoch: u64 },
    /// The idempotency key was used with another body; nothing was stored.
    KeyReused,
}

impl Store {
    /// Stores a message with all that follows from it. Success means that the commit was fsynced.
    pub async fn accept(&self, acceptance: Acceptance) -> Result<Receipt, StoreError> {
        let prepared = Prepared::new(acceptance);
        let receipt = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::accept(db, prepared).await?,
            Backend::Postgres(db) => postgres::accept(db, prepared).await?,
        };
        if let Receipt::Moved { epoch } = receipt {
            self.0.notices.moved(epoch);
        }
        Ok(receipt)
    }
}

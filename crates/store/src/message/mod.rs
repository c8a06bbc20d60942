//! The journal: raw messages, byte for byte.

mod postgres;
mod row;
mod sqlite;

use domain::access::Scope;
use domain::message::Message;
use domain::{EventId, MessageId};

use crate::{Backend, Store, StoreError};

pub(crate) use row::{COLUMNS, MessageRow};

impl Store {
    /// A message and its events. It is visible when one of its events is, or to a scope of all companies.
    /// Raw bytes that no longer have their hash are [`StoreError::Corrupt`].
    pub async fn message(
        &self,
        scope: &Scope,
        id: MessageId,
    ) -> Result<Option<(Message, Vec<EventId>)>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::message(db, scope, id).await,
            Backend::Postgres(db) => postgres::message(db, scope, id).await,
        }
    }
}

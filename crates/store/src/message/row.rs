//! A message's row as both databases give it.

use domain::message::{Decode, Message};
use domain::{EventId, MessageId, SourceId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::codec::{fixed, hex, of_json, split_ids};

const TABLE: &str = "message";

/// The columns of [`MessageRow`], in its order.
pub(crate) const COLUMNS: &str =
    "id, source, received_at, headers, raw, sha256, webhook_id, decode, id_reused, events";

#[derive(Debug)]
pub(crate) struct MessageRow {
    pub(crate) id: Vec<u8>,
    pub(crate) source: Option<Vec<u8>>,
    pub(crate) received_at: i64,
    pub(crate) headers: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) sha256: Vec<u8>,
    pub(crate) webhook_id: Option<String>,
    pub(crate) decode: String,
    pub(crate) id_reused: bool,
    /// Ids of its events, one after another.
    pub(crate) events: Vec<u8>,
}

impl MessageRow {
    /// The message and its events, its bytes checked against their hash.
    pub(crate) fn read(self) -> Result<(Message, Vec<EventId>), StoreError> {
        let id = &self.id;
        let sha256: [u8; 32] = fixed(TABLE, id, &self.sha256)?;
        if <[u8; 32]>::from(Sha256::digest(&self.raw)) != sha256 {
            return Err(StoreError::corrupt(
                TABLE,
                hex(id),
                "the raw bytes do not have their hash",
            ));
        }
        let events = split_ids(TABLE, id, &self.events)?
            .into_iter()
            .map(EventId::from_bytes)
            .collect();
        let decode = [Decode::Ok, Decode::Repaired, Decode::Failed]
            .into_iter()
            .find(|decode| decode.as_str() == self.decode)
            .ok_or_else(|| {
                StoreError::corrupt(TABLE, hex(id), format_args!("decode `{}`", self.decode))
            })?;
        let source = self
            .source
            .as_deref()
            .map(|source| fixed(TABLE, id, source))
            .transpose()?;
        let message = Message {
            id: MessageId::from_bytes(fixed(TABLE, id, id)?),
            source: source.map(SourceId::from_bytes),
            received_at: Timestamp::from_micros(self.received_at),
            headers: of_json(TABLE, id, &self.headers)?,
            raw: self.raw,
            sha256,
            webhook_id: self.webhook_id,
            decode,
            id_reused: self.id_reused,
        };
        Ok((message, events))
    }
}

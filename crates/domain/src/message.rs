//! A message: the raw bytes as they came in, byte for byte, with their headers.

use serde::{Deserialize, Serialize};

use crate::{MessageId, SourceId, Timestamp};

/// The largest number of header lines that the journal keeps of a message.
pub const HEADERS: usize = 64;

/// A journal row. The headers hold no secret: authentication values are masked before they get here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    /// The door it came by; none for the API and the command line.
    pub source: Option<SourceId>,
    pub received_at: Timestamp,
    pub headers: Vec<(String, String)>,
    pub raw: Vec<u8>,
    pub sha256: [u8; 32],
    /// The sender's `webhook-id`, when it gave one.
    pub webhook_id: Option<String>,
    pub decode: Decode,
    /// The same `webhook-id` was seen with another body.
    pub id_reused: bool,
}

/// How the envelope of a message was decoded. A failed one is *in quarantine*: kept, acked, not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decode {
    Ok,
    Repaired,
    Failed,
}

impl Decode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Repaired => "repaired",
            Self::Failed => "failed",
        }
    }
}

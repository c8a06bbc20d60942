//! The bounds of the intake.

use std::time::Duration;

/// Header lines that the journal keeps of a message, and the longest value it keeps of each, in bytes.
pub(crate) const HEADERS: usize = domain::message::HEADERS;
pub(crate) const HEADER_VALUE_BYTES: usize = 4_096;
/// Longest `webhook-id` that is taken as one, in bytes.
pub(crate) const WEBHOOK_ID_BYTES: usize = 256;
/// How often matching starts anew because the configuration moved between matching and writing.
pub(crate) const MATCH_ROUNDS: usize = 16;

/// What an operator may set of the intake.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How far a signature's time may be off, both ways (Standard Webhooks reference libraries: 300 s).
    pub signature_tolerance: Duration,
    /// How long a token of a source's authentication URL is good.
    pub token_lifetime: Duration,
    /// Bounds of reading one message.
    pub reading: alertwire_catalogue::Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            signature_tolerance: Duration::from_secs(300),
            token_lifetime: Duration::from_secs(3_600),
            reading: alertwire_catalogue::Limits::default(),
        }
    }
}

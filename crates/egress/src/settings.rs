//! How the door is set up.

use std::sync::Arc;
use std::time::Duration;

use crate::allow::AllowEntry;
use crate::resolve::{Resolve, System};

/// Parsed settings; the operator's configuration fills them in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What may be reached although it is not public.
    pub allow: Vec<AllowEntry>,
    /// For each of: look-up, TCP connection (over all addresses), TLS handshake.
    pub connect_timeout: Duration,
    /// Bytes of an answer's body that are read; the rest is not.
    pub response_bytes: usize,
    /// Bytes of status line and headers of an answer; more is a failure. Not under 8 KiB.
    pub header_bytes: usize,
    /// Open connections at once, idle ones included; further exchanges wait under their deadline.
    pub connections: usize,
    /// Idle connections kept for one origin.
    pub idle_per_host: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// Roots of trust beside the built-in ones, PEM.
    pub ca_pem: Option<String>,
    /// Names to addresses; tests script it.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            response_bytes: 64 * 1024,
            header_bytes: 16 * 1024,
            connections: 1_024,
            idle_per_host: 256,
            idle_timeout: Duration::from_secs(30),
            ca_pem: None,
            resolver: Arc::new(System::default()),
        }
    }
}

/// Settings that no door can be built from.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error("the extra roots of trust are not PEM certificates: {0}")]
    Roots(String),
    #[error("`{0}` has to be at least {1}")]
    TooSmall(&'static str, usize),
}

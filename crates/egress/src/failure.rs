//! Why an exchange did not come about, and how long its parts took.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// The one text for an address that the policy refuses. It never says which address, or why: that would make the door a
/// scanner of the network behind it. The operator's log has the reason.
pub const BLOCKED: &str = "blocked by egress policy";

/// What went wrong, as far as a caller acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The name was not found, or the look-up failed.
    Dns,
    /// The address policy refuses the place.
    Blocked,
    /// No TCP connection.
    Connect,
    /// No TLS, or a certificate that is not good.
    Tls,
    /// The target refuses our client certificate, or misses one.
    ClientCertificate,
    /// The deadline passed.
    Timeout,
    /// The connection broke before the answer's head was there.
    Reset,
    /// The answer is not HTTP.
    Protocol,
    /// The head of the answer is beyond its limit.
    TooLarge,
}

/// An exchange without an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    pub cause: Cause,
    /// A plain sentence without secrets.
    pub detail: String,
    /// Whom the connection was to, when there was one.
    pub peer: Option<SocketAddr>,
    pub timings: Box<Timings>,
}

/// How long the parts of an exchange took. On a connection that was open already, the first three are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    pub dns: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    /// From the sending of the request to the head of the answer.
    pub first_byte: Option<Duration>,
    pub total: Duration,
}

/// One step of a connection, as a check shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub name: &'static str,
    pub ok: bool,
    pub detail: String,
    pub millis: f64,
    /// Of a step that was not good.
    pub cause: Option<Cause>,
}

/// A cause with its sentence, inside the crate.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) cause: Cause,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }

    pub(crate) fn blocked() -> Self {
        Self::new(Cause::Blocked, BLOCKED)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

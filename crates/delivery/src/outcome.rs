//! What an attempt came to, and why it failed: apart from what to do about it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::gate::HoldReason;

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered 2xx.
    Delivered { status_code: u16 },
    /// The attempt is spent. `retry_after` is the receiver's wish, already capped.
    Failed {
        cause: Cause,
        retry_after: Option<Duration>,
    },
    /// Nothing was sent and no attempt is spent: the integration itself cannot send now.
    Held(HoldReason),
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The name could not be resolved.
    Dns,
    /// The address may not be reached by this instance's egress policy.
    Blocked,
    /// No TCP connection was made.
    Connect,
    /// The TLS handshake failed; the text says how.
    Tls(String),
    /// The receiver refuses our client certificate, or misses one; the text says how.
    ClientCertificate(String),
    /// The deadline over the whole exchange passed.
    Timeout,
    /// The connection broke before an answer was complete.
    Reset,
    /// The receiver answered 3xx, which is never followed.
    Redirect { location: String },
    /// The receiver answered with another status than 2xx and 3xx.
    Status(u16),
    /// The answer's head passed the cap.
    ResponseTooLarge,
    /// What came back was no HTTP.
    Protocol,
    /// The authentication URL gave no token.
    Login(String),
}

impl Cause {
    /// All classes; `docs/errors.md` has a section for each.
    pub const CLASSES: [&'static str; 13] = [
        "dns",
        "blocked",
        "connect",
        "tls",
        "timeout",
        "reset",
        "redirect",
        "http_4xx",
        "http_5xx",
        "http_other",
        "response_too_large",
        "protocol",
        "login",
    ];

    /// The stable name of its class, for the API, filters and metrics.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Blocked => "blocked",
            Self::Connect => "connect",
            Self::Tls(_) | Self::ClientCertificate(_) => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Redirect { .. } => "redirect",
            Self::Status(400..=499) => "http_4xx",
            Self::Status(500..=599) => "http_5xx",
            Self::Status(_) => "http_other",
            Self::ResponseTooLarge => "response_too_large",
            Self::Protocol => "protocol",
            Self::Login(_) => "login",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Dns => "Check the host name of the URL and that this machine can resolve it.",
            Self::Blocked => {
                "The address is not public. Whoever runs Alertwire can allow it under egress.allow in the configuration file."
            }
            Self::Connect => {
                "Check host, port and firewall: the receiver must accept connections from the whitelisted addresses."
            }
            Self::Tls(_) => {
                "Check the receiver's certificate: its dates, its host names and its chain. For an authority of your own, set ca."
            }
            Self::ClientCertificate(_) => {
                "Set client_certificate and client_key to a pair that the receiver trusts, and check that it has not expired."
            }
            Self::Timeout => {
                "The receiver took too long. Check its load, or raise the timeout of the integration."
            }
            Self::Reset => {
                "The receiver or something before it closed the connection. Check its log and any proxy or firewall."
            }
            Self::Redirect { .. } => {
                "Redirects are not followed. Enter the URL that the receiver redirects to."
            }
            Self::Status(401 | 403) => {
                "The receiver refused the credentials. Check username, password, header key and header value."
            }
            Self::Status(404 | 405) => {
                "The receiver does not know this URL, or not for POST. Check the webhook URL."
            }
            Self::Status(410) => {
                "The receiver says that this webhook is gone for good. Enter a new URL or remove the integration."
            }
            Self::Status(400 | 415 | 422) => {
                "The receiver does not take this body. Its answer and its log say what it expects."
            }
            Self::Status(413) => "The alert is too large for the receiver. Raise its limit.",
            Self::Status(429) => {
                "The receiver asks for fewer requests. Set rate_per_second on the integration."
            }
            Self::Status(500..=599) => {
                "The receiver failed. See its answer and its log; the alert is tried again."
            }
            Self::Status(_) => "See the receiver's answer and its log.",
            Self::ResponseTooLarge => {
                "The receiver's answer has more header data than is read. Check what answers at this URL."
            }
            Self::Protocol => {
                "What answers at this URL does not speak HTTP. Check scheme and port."
            }
            Self::Login(_) => "Check the authentication URL, the username and the password.",
        }
    }

    /// Whether the receiver says that it is gone for good.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        *self == Self::Status(410)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns => f.write_str("the host name could not be resolved"),
            Self::Blocked => f.write_str("blocked by egress policy"),
            Self::Connect => f.write_str("no connection could be made"),
            Self::Tls(detail) | Self::ClientCertificate(detail) => write!(f, "TLS: {detail}"),
            Self::Timeout => f.write_str("timed out"),
            Self::Reset => f.write_str("the connection broke before the answer was complete"),
            Self::Redirect { location } if location.is_empty() => {
                f.write_str("the receiver answered with a redirect")
            }
            Self::Redirect { location } => write!(f, "the receiver redirected to {location}"),
            Self::Status(code) => write!(f, "the receiver answered {code}"),
            Self::ResponseTooLarge => f.write_str("the receiver's answer is too large"),
            Self::Protocol => f.write_str("the answer was no HTTP"),
            Self::Login(detail) => write!(f, "login: {detail}"),
        }
    }
}

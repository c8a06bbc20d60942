//! What goes out, and what is kept of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use delivery::Outcome;
use domain::{DeliveryId, Timestamp};
use egress::Timings;
use serde_json::{Value, json};

/// One sealed alert on its way.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Also the `webhook-id`.
    pub delivery: DeliveryId,
    /// 1 for the first.
    pub attempt: u32,
    /// The frozen JSON, sent byte for byte.
    pub body: Bytes,
    /// The frozen headers beside it; the span of `traceparent` is made anew for each attempt.
    pub headers: Vec<(String, String)>,
    /// Over all that the attempt does: login, exchange, a second login and the resend.
    pub timeout: Duration,
}

/// What came of one alert.
#[derive(Debug, Clone)]
pub struct Sent {
    pub outcome: Outcome,
    pub record: Exchanged,
}

/// The evidence of one attempt. Secrets are `[hidden]`, also where the target echoed them.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchanged {
    pub started_at: Timestamp,
    pub duration: Duration,
    /// Empty when nothing was sent.
    pub request_headers: Vec<(String, String)>,
    pub status_code: Option<u16>,
    pub response_headers: Vec<(String, String)>,
    /// As text, up to the limit of `egress`.
    pub response_body: String,
    pub timings: Timings,
    pub address: Option<SocketAddr>,
    /// A plain sentence when it did not go well.
    pub detail: Option<String>,
}

impl Exchanged {
    pub(crate) fn begin(started_at: Timestamp) -> Self {
        Self {
            started_at,
            duration: Duration::ZERO,
            request_headers: Vec::new(),
            status_code: None,
            response_headers: Vec::new(),
            response_body: String::new(),
            timings: Timings::default(),
            address: None,
            detail: None,
        }
    }

    /// `{"dns": 1.2, "connect": …, "tls": …, "first_byte": …, "total": …}` in milliseconds; parts that did not happen are left out.
    #[must_use]
    pub fn timings_json(&self) -> Value {
        let parts = [
            ("dns", self.timings.dns),
            ("connect", self.timings.connect),
            ("tls", self.timings.tls),
            ("first_byte", self.timings.first_byte),
            ("total", Some(self.timings.total)),
        ];
        let millis = |time: Duration| json!((time.as_secs_f64() * 1_000_000.0).round() / 1_000.0);
        Value::Object(
            parts
                .into_iter()
                .filter_map(|(name, time)| Some((name.to_owned(), millis(time?))))
                .collect(),
        )
    }
}

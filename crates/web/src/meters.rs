//! The figures of the hot path, looked up once: a name look-up for each request would cost more than counting.

use metrics::{Counter, Histogram, counter, histogram};

/// How intake requests ended.
#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) accepted: Counter,
    pub(crate) duplicate: Counter,
    pub(crate) unauthorized: Counter,
    pub(crate) refused: Counter,
    /// Turned away because the company's quota was used up.
    pub(crate) over_quota: Counter,
    /// The same of `POST /api/v1/events`.
    pub(crate) raised_over_quota: Counter,
    pub(crate) unavailable: Counter,
    /// Seconds from the end of the headers to the answer of an accepted message.
    pub(crate) ack_seconds: Histogram,
}

impl Meters {
    /// Whatever recorder is installed by now is the one that is told.
    pub(crate) fn new() -> Self {
        let ended = |outcome: &'static str| counter!("alertwire_ingest_requests_total", "outcome" => outcome);
        Self {
            accepted: ended("accepted"),
            duplicate: ended("duplicate"),
            unauthorized: ended("unauthorized"),
            refused: ended("refused"),
            over_quota: ended("over_quota"),
            raised_over_quota: counter!("alertwire_events_over_quota_total"),
            unavailable: ended("unavailable"),
            ack_seconds: histogram!("alertwire_ingest_ack_seconds"),
        }
    }
}

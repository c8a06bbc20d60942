//! One attempt: from a due delivery to the settlement of what came of it.

use bytes::Bytes;
use connectors::{Outgoing, Sent};
use delivery::Outcome;
use domain::{AttemptId, DeliveryId};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use store::{Attempt, Due, FrozenAlert};

/// A due delivery as the connector takes it; none when its bytes no longer have the hash that was sealed with them.
pub(crate) fn outgoing(due: &Due, alert: FrozenAlert, timeout: Duration) -> Option<Outgoing> {
    let hash: [u8; 32] = Sha256::digest(&alert.body).into();
    if hash != alert.hash {
        return None;
    }
    let mut headers = alert.headers;
    if let Some(replayed) = due.replay_of {
        headers.push(("alertwire-replay-of".to_owned(), replayed.to_string()));
    }
    let attempt = due.state.attempts + 1;
    Some(Outgoing {
        delivery: due.id,
        attempt,
        body: Bytes::from(alert.body),
        headers,
        timeout,
    })
}

/// The evidence of an attempt, as it is stored.
pub(crate) fn attempt(id: AttemptId, delivery: DeliveryId, number: u32, sent: Sent) -> Attempt {
    let (outcome, cause, said) = match &sent.outcome {
        Outcome::Delivered { .. } => ("delivered", None, None),
        Outcome::Failed { cause, .. } => ("failed", Some(cause.class()), Some(cause.to_string())),
        Outcome::Held(reason) => (
            "held",
            Some(reason.as_str()),
            Some(reason.explanation().to_owned()),
        ),
    };
    let timings = sent.record.timings_json();
    let record = sent.record;
    Attempt {
        id,
        delivery,
        number,
        started_at: record.started_at,
        duration_micros: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
        outcome: outcome.to_owned(),
        cause: cause.map(str::to_owned),
        detail: record.detail.or(said),
        status_code: record.status_code,
        address: record.address.map(|address| address.to_string()),
        timings,
        request_headers: record.request_headers,
        response_headers: record.response_headers,
        response_body: record.response_body,
    }
}

/// Counts an attempt for `/metrics`.
pub(crate) fn count(sent: &Sent) {
    let (outcome, class) = match &sent.outcome {
        Outcome::Delivered { .. } => ("delivered", "none"),
        Outcome::Failed { cause, .. } => ("failed", cause.class()),
        Outcome::Held(reason) => ("held", reason.as_str()),
    };
    metrics::counter!("alertwire_delivery_attempts_total", "outcome" => outcome, "class" => class)
        .increment(1);
    metrics::histogram!("alertwire_delivery_attempt_seconds")
        .record(sent.record.duration.as_secs_f64());
}

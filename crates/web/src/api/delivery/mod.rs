//! Deliveries.

pub(crate) mod cancel;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod retry;
pub(crate) mod stream;

use delivery::DeadReason;
use domain::configuration::Configuration;
use domain::{EventId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Attempt, DeliveryRow, Standing};
use utoipa::ToSchema;

use super::Named;
use super::journal::get::joined;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    id: String,
    /// `pending`, `delivered`, `parked` (the integration is switched off or its gate is held) or `dead`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Why it is dead.
    reason: Option<String>,
    /// Whose fault it is that it is dead: `receiver` or `ours`; null where a person cancelled it.
    #[schema(value_type = Option<String>)]
    fault: Option<&'static str>,
    /// The class of what the last attempt failed by.
    cause: Option<String>,
    integration: Named,
    rule: Named,
    company: Named,
    /// Those that retention has left.
    event_ids: Vec<String>,
    /// Code of their kind; null when retention has taken the first.
    kind: Option<String>,
    subject: String,
    critical: bool,
    attempts: Vec<AttemptView>,
    /// Attempts that count against the schedule; a retry by hand begins anew.
    attempts_spent: u32,
    /// Null when nothing will be tried by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The delivered one that this sends again.
    replay_of: Option<String>,
    /// Its bytes are fixed; false while it waits for further events.
    sealed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptView {
    id: String,
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    duration_millis: f64,
    /// `delivered`, `failed` or `held`.
    outcome: String,
    cause: Option<String>,
    detail: Option<String>,
    status_code: Option<u16>,
    /// That was connected to.
    address: Option<String>,
    #[schema(value_type = Object)]
    timings: Value,
    #[serde(flatten)]
    exchange: Option<ExchangeView>,
}

/// What went over the wire; in lists it is left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExchangeView {
    /// With secrets masked.
    #[schema(value_type = Object)]
    request_headers: Map<String, Value>,
    #[schema(value_type = Object)]
    response_headers: Map<String, Value>,
    /// Up to 64 KiB, as text.
    response_body: String,
}

impl DeliveryView {
    fn new(row: DeliveryRow, attempts: Vec<AttemptView>, configuration: &Configuration) -> Self {
        let due = row
            .not_before
            .map_or(row.due_at, |not_before| not_before.max(row.due_at));
        Self {
            id: row.id.to_string(),
            status: row.standing.as_str(),
            fault: fault(row.reason.as_deref()),
            reason: row.reason,
            cause: row.cause,
            integration: Named::integration(row.integration, configuration),
            rule: Named::rule(row.rule, configuration),
            company: Named::company(row.company, configuration),
            event_ids: row.events.iter().map(EventId::to_string).collect(),
            kind: row.kind,
            subject: row.subject,
            critical: row.critical,
            attempts,
            attempts_spent: row.attempts,
            next_attempt_at: (row.standing == Standing::Pending).then_some(due),
            created_at: row.created_at,
            replay_of: row.replay_of.map(|id| id.to_string()),
            sealed: row.sealed,
        }
    }
}

fn fault(reason: Option<&str>) -> Option<&'static str> {
    let reason: DeadReason = reason?.parse().ok()?;
    Some(reason.fault()?.as_str())
}

impl AttemptView {
    fn whole(attempt: Attempt) -> Self {
        let exchange = ExchangeView {
            request_headers: joined(attempt.request_headers),
            response_headers: joined(attempt.response_headers),
            response_body: attempt.response_body,
        };
        Self {
            id: attempt.id.to_string(),
            number: attempt.number,
            started_at: attempt.started_at,
            duration_millis: attempt.duration_micros as f64 / 1_000.0,
            outcome: attempt.outcome,
            cause: attempt.cause,
            detail: attempt.detail,
            status_code: attempt.status_code,
            address: attempt.address,
            timings: attempt.timings,
            exchange: Some(exchange),
        }
    }

    fn short(attempt: Attempt) -> Self {
        Self {
            exchange: None,
            ..Self::whole(attempt)
        }
    }
}

//! The gate, as the API shows it: with the times that a person waits for.

use delivery::Gate;
use domain::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GateView {
    /// `admitting`, `resting` (after failures, until a time), `probing` (one try decides) or `held` (for a reason).
    #[schema(value_type = String)]
    state: &'static str,
    /// Of a held gate: `login`, `gone`, `failing_too_long`, `blocked_address` or `secrets_missing`.
    #[schema(value_type = Option<String>)]
    reason: Option<&'static str>,
    /// Since when it is held, or fails.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Failures in a row.
    failures: u32,
    /// The end of the rest; then one delivery is tried.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// When a held gate tries again by itself; without a time it waits for a person.
    #[schema(value_type = Option<String>, format = DateTime)]
    probe_at: Option<Timestamp>,
    /// While it fails: when it will be held as failing too long, should nothing succeed until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    held_at_latest: Option<Timestamp>,
}

impl From<&Gate> for GateView {
    fn from(gate: &Gate) -> Self {
        let (until, probe_at) = match gate {
            Gate::Resting { until, .. } => (Some(*until), None),
            Gate::Held { probe_at, .. } => (None, *probe_at),
            Gate::Admitting { .. } | Gate::Opened { .. } | Gate::Probing { .. } => (None, None),
        };
        Self {
            state: gate.as_str(),
            reason: gate.held().map(delivery::HoldReason::as_str),
            since: gate.since(),
            failures: gate.failures(),
            until,
            probe_at,
            held_at_latest: gate.held_at_latest(),
        }
    }
}

//! Re-readings: stored messages read again with the catalogue of today.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;

mod preview;

use delivery::replay::JobState;
use domain::Timestamp;
use domain::access::Actor;
use serde::Serialize;
use serde_json::Value;
use store::{Job, JobSpec};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RereadView {
    id: String,
    /// `running`, `paused`, `cancelled`, `done` or `failed`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Which events, as it was asked.
    #[schema(value_type = Object)]
    query: Value,
    /// Whether events that are understood at last go where today's rules send them.
    route: bool,
    rate_per_second: u32,
    total: u64,
    /// Events that got a new reading.
    done: u64,
    /// Events that say the same as before, would tell less, came as fields, or were pruned.
    skipped: u64,
    /// Whose stored row cannot be read.
    failed: u64,
    left: u64,
    /// When it will be through at this rate; null when it does not run.
    #[schema(value_type = Option<String>, format = DateTime)]
    eta: Option<Timestamp>,
    #[schema(value_type = Object)]
    actor: Actor,
    /// Why it failed.
    error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl RereadView {
    fn new(job: Job, now: Timestamp) -> Self {
        let (progress, runs) = (job.progress, job.state == JobState::Running);
        let (query, route) = match job.spec {
            JobSpec::Reread { query, route } => (query, route),
            // No re-reading: those have a view of their own.
            JobSpec::Deliveries { .. } | JobSpec::Unrouted { .. } => (Value::Null, false),
        };
        Self {
            id: job.id.to_string(),
            state: job.state.as_str(),
            query,
            route,
            rate_per_second: job.rate.get(),
            total: progress.total,
            done: progress.done,
            skipped: progress.skipped,
            failed: progress.failed,
            left: progress.left(),
            eta: runs.then(|| progress.through_at(job.rate, now)),
            actor: job.actor,
            error: job.error,
            created_at: job.created_at,
            changed_at: job.changed_at,
            ended_at: job.ended_at,
        }
    }
}

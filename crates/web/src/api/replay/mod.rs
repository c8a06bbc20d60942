//! Replays: many deliveries again, to another integration, or unrouted events by today's rules.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;

use delivery::replay::{Asked, JobState};
use domain::access::Actor;
use domain::configuration::Configuration;
use domain::{JobId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{Job, JobKind, JobSpec};
use utoipa::ToSchema;

use super::{Named, job};
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayView {
    id: String,
    /// `running`, `paused`, `cancelled`, `done` or `failed`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Which deliveries, as it was asked.
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// The other integration that they are sent to.
    to: Option<Named>,
    /// Which unrouted events, as it was asked.
    #[schema(value_type = Option<Object>)]
    unrouted: Option<Value>,
    rate_per_second: u32,
    total: u64,
    done: u64,
    /// Passed over: it had ended differently, was there already, or goes nowhere by today's rules.
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

impl ReplayView {
    fn new(job: Job, configuration: &Configuration, now: Timestamp) -> Self {
        let (filter, to, unrouted) = match job.spec {
            JobSpec::Deliveries { filter, to } => (Some(filter), to, None),
            JobSpec::Unrouted { query } => (None, None, Some(query)),
            // No replay: those have a view of their own.
            JobSpec::Reread { .. } => (None, None, None),
        };
        let progress = job.progress;
        let runs = job.state == JobState::Running;
        Self {
            id: job.id.to_string(),
            state: job.state.as_str(),
            filter,
            to: to.map(|id| Named::integration(id, configuration)),
            unrouted,
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

/// Gives an order to a replay; answers how it stands then.
async fn steer(app: &App, caller: &Caller, id: JobId, asked: Asked) -> Result<ReplayView, Problem> {
    let job = job::steer(app, caller, JobKind::Replay, id, asked).await?;
    Ok(ReplayView::new(job, &caller.configuration, app.now()))
}

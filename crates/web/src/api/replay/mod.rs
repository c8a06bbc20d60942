//! Replays: many deliveries again, to another integration, or unrouted events by today's rules.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;

use delivery::replay::Asked;
use domain::configuration::Configuration;
use domain::{JobId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{Job, JobKind, JobSpec};
use utoipa::ToSchema;

use super::job::ProgressView;
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
    #[serde(flatten)]
    progress: ProgressView,
}

impl ReplayView {
    fn new(job: Job, configuration: &Configuration, now: Timestamp) -> Self {
        let progress = ProgressView::new(&job, now);
        let (filter, to, unrouted) = match job.spec {
            JobSpec::Deliveries { filter, to } => (Some(filter), to, None),
            JobSpec::Unrouted { query } => (None, None, Some(query)),
            // No replay: those have a view of their own.
            JobSpec::Reread { .. } | JobSpec::Import(_) => (None, None, None),
        };
        Self {
            id: job.id.to_string(),
            state: job.state.as_str(),
            filter,
            to: to.map(|id| Named::integration(id, configuration)),
            unrouted,
            progress,
        }
    }
}

/// Gives an order to a replay; answers how it stands then.
async fn steer(app: &App, caller: &Caller, id: JobId, asked: Asked) -> Result<ReplayView, Problem> {
    let job = job::steer(app, caller, JobKind::Replay, id, asked).await?;
    Ok(ReplayView::new(job, &caller.configuration, app.now()))
}

//! Re-readings: stored messages read again with the catalogue of today.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;

pub(crate) mod preview;

use domain::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Job, JobSpec};
use utoipa::ToSchema;

use super::job::ProgressView;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RereadView {
    pub(crate) id: String,
    /// `running`, `paused`, `cancelled`, `done` or `failed`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Which events, as it was asked.
    #[schema(value_type = Object)]
    query: Value,
    /// Whether events that are understood at last go where today's rules send them.
    route: bool,
    #[serde(flatten)]
    progress: ProgressView,
}

impl RereadView {
    fn new(job: Job, now: Timestamp) -> Self {
        let progress = ProgressView::new(&job, now);
        let (query, route) = match job.spec {
            JobSpec::Reread { query, route } => (query, route),
            // No re-reading: those have a view of their own.
            JobSpec::Deliveries { .. } | JobSpec::Unrouted { .. } | JobSpec::Import(_) => {
                (Value::Null, false)
            }
        };
        Self {
            id: job.id.to_string(),
            state: job.state.as_str(),
            query,
            route,
            progress,
        }
    }
}

//! Event sets. They belong to no integration and to no company.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use domain::event_set::EventSet;
use domain::{EventSetId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventSetView {
    pub(crate) id: String,
    name: String,
    /// `event`, `asset`, `product` or `company`.
    #[schema(value_type = String)]
    notify_by: &'static str,
    events: Vec<String>,
    /// Critical events do not wait for the window.
    critical_bypass: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&EventSet> for EventSetView {
    fn from(set: &EventSet) -> Self {
        Self {
            id: set.id.to_string(),
            name: set.name.clone(),
            notify_by: set.notify_by.as_str(),
            events: set.events.clone(),
            critical_bypass: set.critical_bypass,
            created_at: set.created_at,
        }
    }
}

fn find(id: EventSetId, caller: &Caller) -> Result<&EventSet, Problem> {
    let found = caller.configuration.event_set(id);
    Ok(found.ok_or_else(|| Problem::not_found("event set"))?)
}

use axum::extract::State;
use domain::EventSetId;
use http::StatusCode;
use store::Change;

use super::find;
use crate::App;
use crate::api::uses;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Remove an event set. A rule that links it keeps it: 409.
#[utoipa::path(delete, path = "/api/v1/event-sets/{id}", tag = "event sets", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone."),
        (status = 409, body = crate::problem::ProblemView, description = "`used_by` names what uses it.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<EventSetId>,
) -> Result<StatusCode, Problem> {
    let name = &find(id, &caller)?.name;
    let removed = app
        .store()
        .change(Change::RemoveEventSet(id), &caller.actor(), app.now())
        .await;
    uses::refuse(&app, removed, "event set", name, |configuration| {
        uses::of_event_set(configuration, id)
    })
    .await
}

use axum::Json;
use axum::extract::State;
use delivery::replay::Asked;
use domain::JobId;

use super::{ImportView, steer};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Operator};

/// Let a paused import go on where it was.
#[utoipa::path(post, path = "/api/v1/imports/{id}/resume", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = ImportView)))]
pub(crate) async fn resume(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
) -> Answer<ImportView> {
    steer(&app, &caller, id, Asked::Resume).await.map(Json)
}

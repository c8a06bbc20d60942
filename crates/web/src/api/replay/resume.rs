use axum::Json;
use axum::extract::State;
use delivery::replay::Asked;
use domain::JobId;

use super::{ReplayView, steer};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Operator};

/// Let a paused replay go on where it was.
#[utoipa::path(post, path = "/api/v1/replays/{id}/resume", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = ReplayView)))]
pub(crate) async fn resume(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
) -> Answer<ReplayView> {
    steer(&app, &caller, id, Asked::Resume).await.map(Json)
}

use axum::Json;
use axum::extract::State;
use delivery::replay::Asked;
use domain::JobId;

use super::{ReplayView, steer};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Operator};

/// End a replay; what it has done stays done.
#[utoipa::path(post, path = "/api/v1/replays/{id}/cancel", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = ReplayView)))]
pub(crate) async fn cancel(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
) -> Answer<ReplayView> {
    steer(&app, &caller, id, Asked::Cancel).await.map(Json)
}

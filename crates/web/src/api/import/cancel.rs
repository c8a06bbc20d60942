use axum::Json;
use axum::extract::State;
use delivery::replay::Asked;
use domain::JobId;

use super::{ImportView, steer};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Operator};

/// End an import; what it has raised stays.
#[utoipa::path(post, path = "/api/v1/imports/{id}/cancel", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = ImportView)))]
pub(crate) async fn cancel(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
) -> Answer<ImportView> {
    steer(&app, &caller, id, Asked::Cancel).await.map(Json)
}

use axum::Json;
use axum::extract::State;
use domain::JobId;
use store::JobKind;

use super::ReplayView;
use crate::App;
use crate::api::{Answer, job};
use crate::read::{Id, Viewer};

/// One replay and how far it is.
#[utoipa::path(get, path = "/api/v1/replays/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = ReplayView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<JobId>,
) -> Answer<ReplayView> {
    let job = job::find(&app, &caller, JobKind::Replay, id).await?;
    Ok(Json(ReplayView::new(job, &caller.configuration, app.now())))
}

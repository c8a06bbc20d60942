use axum::Json;
use axum::extract::State;
use domain::JobId;

use super::ReplayView;
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Id, Viewer};

/// One replay and how far it is.
#[utoipa::path(get, path = "/api/v1/replays/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = ReplayView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<JobId>,
) -> Answer<ReplayView> {
    let job = app.store().job(caller.scope(), id).await?;
    let job = job.ok_or_else(|| Problem::not_found("replay"))?;
    Ok(Json(ReplayView::new(job, &caller.configuration, app.now())))
}

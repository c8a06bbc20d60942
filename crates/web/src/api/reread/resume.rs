use axum::Json;
use axum::extract::State;
use delivery::replay::Asked;
use domain::JobId;
use store::JobKind;

use super::RereadView;
use crate::App;
use crate::api::{Answer, job};
use crate::read::{Id, Operator};

/// Let a re-reading go on where it was.
#[utoipa::path(post, path = "/api/v1/rereads/{id}/resume", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = RereadView)))]
pub(crate) async fn resume(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
) -> Answer<RereadView> {
    let job = job::steer(&app, &caller, JobKind::Reread, id, Asked::Resume).await?;
    Ok(Json(RereadView::new(job, app.now())))
}

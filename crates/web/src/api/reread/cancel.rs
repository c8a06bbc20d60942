use axum::Json;
use axum::extract::State;
use delivery::replay::Asked;
use domain::JobId;
use store::JobKind;

use super::RereadView;
use crate::App;
use crate::api::{Answer, job};
use crate::read::{Id, Operator};

/// End a re-reading; what it has read stays read.
#[utoipa::path(post, path = "/api/v1/rereads/{id}/cancel", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = RereadView)))]
pub(crate) async fn cancel(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
) -> Answer<RereadView> {
    let job = job::steer(&app, &caller, JobKind::Reread, id, Asked::Cancel).await?;
    Ok(Json(RereadView::new(job, app.now())))
}

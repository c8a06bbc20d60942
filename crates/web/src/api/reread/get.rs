use axum::Json;
use axum::extract::State;
use domain::JobId;
use store::JobKind;

use super::RereadView;
use crate::App;
use crate::api::{Answer, job};
use crate::read::{Id, Viewer};

/// One re-reading and how far it is.
#[utoipa::path(get, path = "/api/v1/rereads/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = RereadView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<JobId>,
) -> Answer<RereadView> {
    let job = job::find(&app, &caller, JobKind::Reread, id).await?;
    Ok(Json(RereadView::new(job, app.now())))
}

use axum::Json;
use axum::extract::State;
use domain::JobId;
use store::JobKind;

use super::ImportView;
use crate::App;
use crate::api::{Answer, job};
use crate::read::{Id, Viewer};

/// One import and how far it is.
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = ImportView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<JobId>,
) -> Answer<ImportView> {
    let job = job::find(&app, &caller, JobKind::Import, id).await?;
    ImportView::of(&job, &app, &caller).map(Json)
}

use axum::Json;
use axum::extract::State;
use domain::SourceId;

use super::{SourceView, find};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Viewer};

/// One source.
#[utoipa::path(get, path = "/api/v1/sources/{id}", tag = "sources", params(("id" = String, Path)),
    responses((status = 200, body = SourceView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SourceId>,
) -> Answer<SourceView> {
    let source = find(id, &caller)?;
    Ok(Json(SourceView::new(source, &app, &caller)))
}

use axum::Json;
use axum::extract::Path;

use super::{EventKindView, find};
use crate::api::Answer;
use crate::read::Viewer;

/// One event kind of your own, by id or code (of wordings: `CODE wordings`).
#[utoipa::path(get, path = "/api/v1/catalog/kinds/{id}", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 200, body = EventKindView)))]
pub(crate) async fn get(Viewer(caller): Viewer, Path(id): Path<String>) -> Answer<EventKindView> {
    let kind = find(&id, &caller)?;
    Ok(Json(EventKindView::new(kind, &caller.configuration)))
}

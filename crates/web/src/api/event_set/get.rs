use axum::Json;
use domain::EventSetId;

use super::{EventSetView, find};
use crate::api::Answer;
use crate::read::{Id, Viewer};

/// One event set.
#[utoipa::path(get, path = "/api/v1/event-sets/{id}", tag = "event sets", params(("id" = String, Path)),
    responses((status = 200, body = EventSetView)))]
pub(crate) async fn get(Viewer(caller): Viewer, Id(id): Id<EventSetId>) -> Answer<EventSetView> {
    Ok(Json(EventSetView::from(find(id, &caller)?)))
}

use std::sync::Arc;

use axum::Json;
use domain::event_set::EventSet;

use super::EventSetView;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

/// All event sets.
#[utoipa::path(get, path = "/api/v1/event-sets", tag = "event sets", params(PageQuery),
    responses((status = 200, body = Listing<EventSetView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<EventSetView>> {
    let page = query.of(caller.configuration.event_sets(), |set: &&Arc<EventSet>| {
        set.id
    })?;
    Ok(Json(listing(page, |set| EventSetView::from(&**set))))
}

use std::sync::Arc;

use axum::Json;
use domain::event_kind::EventKind;

use super::EventKindView;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

/// The event kinds and wordings of your own, newest first.
#[utoipa::path(get, path = "/api/v1/catalog/kinds", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Listing<EventKindView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<EventKindView>> {
    let configuration = &caller.configuration;
    let page = query.of(configuration.event_kinds(), |kind: &&Arc<EventKind>| {
        kind.id
    })?;
    Ok(Json(listing(page, |kind| {
        EventKindView::new(kind, configuration)
    })))
}

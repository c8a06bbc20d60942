use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::source::Source;

use super::{SourceView, seen};
use crate::App;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

/// The sources that may speak for a company of the key.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", params(PageQuery),
    responses((status = 200, body = Listing<SourceView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<SourceView>> {
    let found = caller
        .configuration
        .sources()
        .filter(|source| seen(source, &caller));
    let page = query.of(found, |source: &&Arc<Source>| source.id)?;
    Ok(Json(listing(page, |source| {
        SourceView::new(source, &app, &caller)
    })))
}

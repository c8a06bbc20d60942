use axum::Json;
use axum::extract::State;
use store::JobKind;

use super::ImportView;
use crate::App;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer};

/// Imports, newest first. A key for some companies sees those into them.
#[utoipa::path(get, path = "/api/v1/imports", tag = "events", params(PageQuery),
    responses((status = 200, body = Listing<ImportView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<ImportView>> {
    let page = app
        .store()
        .jobs(caller.scope(), JobKind::Import, &query.at()?)
        .await?;
    let (now, configuration) = (app.now(), &caller.configuration);
    let views = page
        .items
        .iter()
        .filter_map(|job| ImportView::new(job, configuration, now));
    Ok(Json(Listing {
        items: views.collect(),
        next: page.next,
    }))
}

use axum::Json;
use axum::extract::State;
use store::JobKind;

use super::RereadView;
use crate::App;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

/// Re-readings, newest first. A key for some companies sees those whose makers could see no more than it does.
#[utoipa::path(get, path = "/api/v1/rereads", tag = "events", params(PageQuery),
    responses((status = 200, body = Listing<RereadView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<RereadView>> {
    let page = app
        .store()
        .jobs(caller.scope(), JobKind::Reread, &query.at()?)
        .await?;
    let now = app.now();
    Ok(Json(listing(page, |job| RereadView::new(job, now))))
}

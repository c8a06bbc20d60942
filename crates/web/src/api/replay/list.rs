use axum::Json;
use axum::extract::State;
use store::JobKind;

use super::ReplayView;
use crate::App;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

/// Replays, newest first. A key for some companies sees those whose makers could see no more than it does.
#[utoipa::path(get, path = "/api/v1/replays", tag = "deliveries", params(PageQuery),
    responses((status = 200, body = Listing<ReplayView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<ReplayView>> {
    let page = app
        .store()
        .jobs(caller.scope(), JobKind::Replay, &query.at()?)
        .await?;
    let now = app.now();
    Ok(Json(listing(page, |job| {
        ReplayView::new(job, &caller.configuration, now)
    })))
}

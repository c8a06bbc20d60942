use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::access::ApiKey;

use super::KeyView;
use crate::App;
use crate::api::Answer;
use crate::read::{Admin, Listing, PageQuery, Query, listing};

/// All API keys, without the keys themselves.
#[utoipa::path(get, path = "/api/v1/keys", tag = "access", params(PageQuery),
    responses((status = 200, body = Listing<KeyView>)))]
pub(crate) async fn list(
    app: State<App>,
    Admin(caller): Admin,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<KeyView>> {
    let page = query.of(caller.configuration.keys(), |key: &&Arc<ApiKey>| key.id)?;
    let uses = app.store().key_uses().await?;
    Ok(Json(listing(page, |key| {
        KeyView::new(key, uses.get(&key.id).copied().or(key.last_used_at))
    })))
}

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use delivery::Gate;
use domain::integration::Integration;

use super::{IntegrationView, seen};
use crate::App;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

/// The integrations that serve a company of the key.
#[utoipa::path(get, path = "/api/v1/integrations", tag = "integrations", params(PageQuery),
    responses((status = 200, body = Listing<IntegrationView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<IntegrationView>> {
    let found = caller
        .configuration
        .integrations()
        .filter(|integration| seen(integration, &caller));
    let page = query.of(found, |integration: &&Arc<Integration>| integration.id)?;
    let (gates, open) = (app.store().gates().await?, Gate::default());
    Ok(Json(listing(page, |integration| {
        IntegrationView::new(
            integration,
            gates.get(&integration.id).unwrap_or(&open),
            &caller,
        )
    })))
}

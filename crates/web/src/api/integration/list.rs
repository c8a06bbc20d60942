use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use delivery::Gate;
use domain::integration::Integration;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{IntegrationView, seen};
use crate::App;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct IntegrationsQuery {
    /// Only those of this connector, such as `webhook`.
    connector: Option<String>,
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    cursor: Option<String>,
}

/// The integrations that serve a company of the key.
#[utoipa::path(get, path = "/api/v1/integrations", tag = "integrations", params(IntegrationsQuery),
    responses((status = 200, body = Listing<IntegrationView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<IntegrationsQuery>,
) -> Answer<Listing<IntegrationView>> {
    let connector = query.connector.filter(|connector| !connector.is_empty());
    let found = caller.configuration.integrations().filter(|integration| {
        seen(integration, &caller)
            && connector
                .as_ref()
                .is_none_or(|connector| integration.connector == *connector)
    });
    let page = PageQuery::new(query.limit, query.cursor)
        .of(found, |integration: &&Arc<Integration>| integration.id)?;
    let (gates, open) = (app.store().gates().await?, Gate::default());
    Ok(Json(listing(page, |integration| {
        IntegrationView::new(
            integration,
            gates.get(&integration.id).unwrap_or(&open),
            &caller,
        )
    })))
}

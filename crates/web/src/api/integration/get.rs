use axum::Json;
use axum::extract::State;
use domain::IntegrationId;

use super::{IntegrationView, find};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Viewer};

/// One integration.
#[utoipa::path(get, path = "/api/v1/integrations/{id}", tag = "integrations", params(("id" = String, Path)),
    responses((status = 200, body = IntegrationView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
) -> Answer<IntegrationView> {
    let integration = find(id, &caller)?;
    let gate = app.store().gate(id).await?;
    Ok(Json(IntegrationView::new(integration, &gate, &caller)))
}

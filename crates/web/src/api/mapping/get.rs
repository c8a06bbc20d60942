use axum::Json;
use domain::IntegrationId;

use super::{MappingView, find};
use crate::api::Answer;
use crate::read::{Ids, Mapped, Viewer};

/// The mapping of a company; `all` in the place of its id is that of all.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/mappings/{company_id}", tag = "mappings",
    params(("id" = String, Path), ("company_id" = String, Path)), responses((status = 200, body = MappingView)))]
pub(crate) async fn get(
    Viewer(caller): Viewer,
    Ids(integration, mapped): Ids<IntegrationId, Mapped>,
) -> Answer<MappingView> {
    let mapping = find(integration, mapped, &caller)?;
    Ok(Json(MappingView::new(mapping, &caller.configuration)))
}

use axum::Json;
use domain::{IntegrationId, RuleId};

use super::{RuleView, find};
use crate::api::Answer;
use crate::read::{Ids, Viewer};

/// One rule of an integration.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/rules/{rule_id}", tag = "rules",
    params(("id" = String, Path), ("rule_id" = String, Path)), responses((status = 200, body = RuleView)))]
pub(crate) async fn get(
    Viewer(caller): Viewer,
    Ids(integration, id): Ids<IntegrationId, RuleId>,
) -> Answer<RuleView> {
    Ok(Json(RuleView::from(find(integration, id, &caller)?)))
}

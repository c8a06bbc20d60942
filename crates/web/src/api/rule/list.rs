use std::sync::Arc;

use axum::Json;
use domain::IntegrationId;
use domain::rule::IntegrationRule;

use super::RuleView;
use crate::api::Answer;
use crate::api::integration::find;
use crate::read::{Id, Listing, PageQuery, Query, Viewer, listing};

/// The rules of an integration.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/rules", tag = "rules", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listing<RuleView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<RuleView>> {
    find(id, &caller)?;
    let rules = caller
        .configuration
        .rules()
        .filter(|rule| rule.integration == id);
    let page = query.of(rules, |rule: &&Arc<IntegrationRule>| rule.id)?;
    Ok(Json(listing(page, |rule| RuleView::from(&**rule))))
}

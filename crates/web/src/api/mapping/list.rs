use axum::Json;
use domain::IntegrationId;
use domain::mapping::CompanyMapping;

use super::{MappingView, seen};
use crate::api::Answer;
use crate::api::integration::find;
use crate::read::{Id, Listing, Mapped, PageQuery, Query, Viewer, listing};

/// The mappings of an integration: the one of all companies first, then those of the newest companies.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/mappings", tag = "mappings", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listing<MappingView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<MappingView>> {
    find(id, &caller)?;
    let mappings = caller
        .configuration
        .mappings_of(id)
        .filter(|mapping| seen(mapping, &caller));
    let page = query.of(mappings, |mapping: &&CompanyMapping| {
        Mapped::from(mapping.company)
    })?;
    Ok(Json(listing(page, |mapping| {
        MappingView::new(mapping, &caller.configuration)
    })))
}

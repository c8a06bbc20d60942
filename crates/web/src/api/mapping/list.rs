use axum::Json;
use domain::IntegrationId;
use domain::mapping::{CompanyMapping, MappedTo};

use super::MappingView;
use crate::api::Answer;
use crate::api::integration::find;
use crate::read::{Id, Listing, Viewer};

/// The mappings of an integration: the one of all companies first, then by company. They are not paged: there is at most one
/// for each company.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/mappings", tag = "mappings", params(("id" = String, Path)),
    responses((status = 200, body = Listing<MappingView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
) -> Answer<Listing<MappingView>> {
    find(id, &caller)?;
    let seen = |mapping: &&CompanyMapping| match mapping.company {
        MappedTo::Company(company) => caller.sees(company),
        MappedTo::All => true,
    };
    let mut mappings: Vec<_> = caller.configuration.mappings_of(id).filter(seen).collect();
    mappings.sort_by_key(|mapping| match mapping.company {
        MappedTo::All => None,
        MappedTo::Company(company) => Some(company),
    });
    let items = mappings
        .into_iter()
        .map(|mapping| MappingView::new(mapping, &caller.configuration))
        .collect();
    Ok(Json(Listing { items, next: None }))
}

use axum::Json;
use domain::IntegrationId;
use domain::mapping::CompanyMapping;
use serde::Serialize;
use store::Page;

use super::{MappedView, MappingView, seen};
use crate::api::integration::find;
use crate::api::{Answer, Named};
use crate::problem::Problem;
use crate::read::{Caller, Id, Listing, Mapped, PageQuery, Query, Viewer, listing};

/// A mapping in a file, where names say more than ids.
#[derive(Debug, Serialize)]
pub(crate) struct MappingLine {
    integration: Named,
    company: MappedView,
    rules: Vec<Named>,
    create_webhook_alert: bool,
}

/// The mappings of an integration: the one of all companies first, then those of the newest companies.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/mappings", tag = "mappings", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listing<MappingView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<MappingView>> {
    let page = page(id, &caller, query)?;
    Ok(Json(listing(page, |mapping| {
        MappingView::new(mapping, &caller.configuration)
    })))
}

/// The same for a file.
pub(super) async fn lines(
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<MappingLine>> {
    let configuration = &caller.configuration;
    let page = page(id, &caller, query)?;
    Ok(Json(listing(page, |mapping| MappingLine {
        integration: Named::integration(id, configuration),
        company: MappedView::new(mapping.company, configuration),
        rules: mapping
            .rules
            .iter()
            .map(|rule| Named::rule(*rule, configuration))
            .collect(),
        create_webhook_alert: mapping.create_webhook_alert,
    })))
}

fn page(
    id: IntegrationId,
    caller: &Caller,
    query: PageQuery,
) -> Result<Page<&CompanyMapping>, Problem> {
    find(id, caller)?;
    let mappings = caller
        .configuration
        .mappings_of(id)
        .filter(|mapping| seen(mapping, caller));
    query.of(mappings, |mapping: &&CompanyMapping| {
        Mapped::from(mapping.company)
    })
}

use std::sync::Arc;

use axum::Json;
use domain::company::{Company, name_key};
use serde::Deserialize;
use utoipa::IntoParams;

use super::CompanyView;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompanyQuery {
    /// The company of this name or alias.
    name: Option<String>,
    /// The company of this id in another system.
    external_id: Option<String>,
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    cursor: Option<String>,
}

/// The companies that the key may see.
#[utoipa::path(get, path = "/api/v1/companies", tag = "companies", params(CompanyQuery),
    responses((status = 200, body = Listing<CompanyView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Query(query): Query<CompanyQuery>,
) -> Answer<Listing<CompanyView>> {
    let seen = caller
        .configuration
        .companies()
        .filter(|company| caller.sees(company.id) && query.fits(company));
    let page = PageQuery::new(query.limit.clone(), query.cursor.clone())
        .of(seen.cloned().collect(), |company: &Arc<Company>| company.id)?;
    Ok(Json(listing(page, |company| CompanyView::from(&*company))))
}

impl CompanyQuery {
    fn fits(&self, company: &Company) -> bool {
        let named = |name: &String| {
            let names = std::iter::once(&company.name).chain(&company.aliases);
            names
                .map(|name| name_key(name))
                .any(|key| key == name_key(name))
        };
        self.name.as_ref().is_none_or(named)
            && self
                .external_id
                .as_ref()
                .is_none_or(|wanted| company.external_id.as_ref() == Some(wanted))
    }
}

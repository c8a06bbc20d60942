use std::sync::Arc;

use axum::Json;
use domain::company::{Company, name_key};
use domain::configuration::Configuration;
use serde::Deserialize;
use utoipa::IntoParams;

use super::CompanyView;
use crate::api::Answer;
use crate::read::{Listing, PageQuery, Params, Query, Viewer, listing};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompanyQuery {
    /// The company of this name or alias.
    name: Option<String>,
    /// The company of this id in another system.
    external_id: Option<String>,
    /// `false`: only those whose events go nowhere for want of a mapping; `true`: only the others.
    #[param(value_type = Option<bool>)]
    mapped: Option<String>,
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
    let mut params = Params::default();
    let wanted = Wanted {
        name: query.name.as_deref().map(name_key),
        external_id: query.external_id,
        mapped: params.read("mapped", query.mapped.as_deref()),
    };
    params.finish()?;
    let configuration = &caller.configuration;
    let seen = configuration
        .companies()
        .filter(|company| caller.sees(company.id) && wanted.fits(company, configuration));
    let page =
        PageQuery::new(query.limit, query.cursor).of(seen, |company: &&Arc<Company>| company.id)?;
    Ok(Json(listing(page, |company| {
        CompanyView::new(company, configuration)
    })))
}

/// The query, read once for all companies.
struct Wanted {
    name: Option<String>,
    external_id: Option<String>,
    mapped: Option<bool>,
}

impl Wanted {
    fn fits(&self, company: &Company, configuration: &Configuration) -> bool {
        let named = |wanted: &String| {
            let mut names = std::iter::once(&company.name).chain(&company.aliases);
            names.any(|name| name_key(name) == *wanted)
        };
        self.name.as_ref().is_none_or(named)
            && self
                .external_id
                .as_ref()
                .is_none_or(|wanted| company.external_id.as_ref() == Some(wanted))
            && self
                .mapped
                .is_none_or(|wanted| configuration.is_mapped(company.id) == wanted)
    }
}

use std::sync::Arc;

use axum::Json;
use domain::company::{Company, name_key};
use serde::Deserialize;
use utoipa::IntoParams;

use super::CompanyView;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Caller, Listing, PageQuery, Params, Query, Viewer, listing};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompanyQuery {
    /// Part of a name, an alias, a domain or an external id.
    pub(crate) text: Option<String>,
    /// The company of this name or alias.
    pub(crate) name: Option<String>,
    /// The company of this id in another system.
    pub(crate) external_id: Option<String>,
    /// `false`: only those whose events go nowhere for want of a mapping; `true`: only the others.
    #[param(value_type = Option<bool>)]
    pub(crate) mapped: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// The companies that the key may see.
#[utoipa::path(get, path = "/api/v1/companies", tag = "companies", params(CompanyQuery),
    responses((status = 200, body = Listing<CompanyView>)))]
pub(crate) async fn list(
    Viewer(caller): Viewer,
    Query(query): Query<CompanyQuery>,
) -> Answer<Listing<CompanyView>> {
    let wanted = Wanted::read(&query)?;
    let configuration = &caller.configuration;
    let found = configuration
        .companies()
        .filter(|company| wanted.fits(company, &caller));
    let page = PageQuery::new(query.limit, query.cursor)
        .of(found, |company: &&Arc<Company>| company.id)?;
    Ok(Json(listing(page, |company| {
        CompanyView::new(company, configuration)
    })))
}

/// The query, read once for all companies.
pub(crate) struct Wanted {
    text: String,
    name: Option<String>,
    external_id: Option<String>,
    mapped: Option<bool>,
}

impl Wanted {
    pub(crate) fn read(query: &CompanyQuery) -> Result<Self, Problem> {
        let mut params = Params::default();
        let wanted = Self {
            text: name_key(query.text.as_deref().unwrap_or_default()),
            name: query.name.as_deref().map(name_key),
            external_id: query.external_id.clone(),
            mapped: params.read("mapped", query.mapped.as_deref()),
        };
        params.finish()?;
        Ok(wanted)
    }

    /// Whether a company is one that the caller may see and that was asked for.
    pub(crate) fn fits(&self, company: &Company, caller: &Caller) -> bool {
        let named = |wanted: &String| {
            let mut names = std::iter::once(&company.name).chain(&company.aliases);
            names.any(|name| name_key(name) == *wanted)
        };
        let holds = |text: &String| name_key(text).contains(&self.text);
        let mut texts = std::iter::once(&company.name)
            .chain(&company.aliases)
            .chain(&company.domain)
            .chain(&company.external_id);
        caller.sees(company.id)
            && (self.text.is_empty() || texts.any(holds))
            && self.name.as_ref().is_none_or(named)
            && self
                .external_id
                .as_ref()
                .is_none_or(|wanted| company.external_id.as_ref() == Some(wanted))
            && self
                .mapped
                .is_none_or(|wanted| caller.configuration.is_mapped(company.id) == wanted)
    }
}

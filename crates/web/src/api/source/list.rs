use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::CompanyId;
use domain::company::name_key;
use domain::source::Source;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{SourceView, seen};
use crate::App;
use crate::api::{Answer, find_company};
use crate::problem::Problem;
use crate::read::{Caller, Listing, PageQuery, Params, Query, Viewer, listing};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourcesQuery {
    /// Part of a name.
    pub(crate) text: Option<String>,
    /// Id or name of a company: those that may speak for it.
    pub(crate) company: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// The sources that may speak for a company of the key.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", params(SourcesQuery),
    responses((status = 200, body = Listing<SourceView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<SourcesQuery>,
) -> Answer<Listing<SourceView>> {
    let wanted = Wanted::read(&query, &caller)?;
    let found = caller
        .configuration
        .sources()
        .filter(|source| wanted.fits(source, &caller));
    let page =
        PageQuery::new(query.limit, query.cursor).of(found, |source: &&Arc<Source>| source.id)?;
    Ok(Json(listing(page, |source| {
        SourceView::new(source, &app, &caller)
    })))
}

/// The query, read once for all sources.
pub(crate) struct Wanted {
    text: String,
    company: Option<CompanyId>,
}

impl Wanted {
    pub(crate) fn read(query: &SourcesQuery, caller: &Caller) -> Result<Self, Problem> {
        let mut params = Params::default();
        let company = params.with("company", query.company.as_deref(), |text| {
            find_company(text, caller)
        });
        params.finish()?;
        Ok(Self {
            text: name_key(query.text.as_deref().unwrap_or_default()),
            company,
        })
    }

    /// Whether a source is one that the caller may see and that was asked for.
    pub(crate) fn fits(&self, source: &Source, caller: &Caller) -> bool {
        seen(source, caller)
            && name_key(&source.name).contains(&self.text)
            && self
                .company
                .is_none_or(|id| source.companies.is_empty() || source.companies.contains(&id))
    }
}

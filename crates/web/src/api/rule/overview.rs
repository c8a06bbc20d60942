use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::filter::Filter;
use domain::mapping::MappedTo;
use domain::rule::IntegrationRule;
use domain::{CompanyId, IntegrationId, RuleId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::integration::seen;
use crate::api::{Answer, Named, find_company};
use crate::problem::Problem;
use crate::read::{Caller, Listing, PageQuery, Params, Query, Viewer, listing};

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RulesQuery {
    /// Part of a name or of a matcher.
    pub(crate) text: Option<String>,
    /// Id of an integration.
    pub(crate) integration: Option<String>,
    /// Id or name of a company: those that a mapping for it names.
    pub(crate) company: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// A rule among those of all integrations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleLineView {
    id: String,
    name: String,
    integration: Named,
    event_set: Named,
    /// All of them must hold.
    matchers: Vec<String>,
    /// Names of the companies whose mappings name it and have *Create Webhook Alert* on; `all` is the mapping of all.
    companies: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// The rules of all integrations, newest first.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", params(RulesQuery),
    responses((status = 200, body = Listing<RuleLineView>)))]
pub(crate) async fn overview(
    Viewer(caller): Viewer,
    Query(query): Query<RulesQuery>,
) -> Answer<Listing<RuleLineView>> {
    let wanted = Wanted::read(&query, &caller)?;
    let found = wanted.rules(&caller);
    let page = PageQuery::new(query.limit, query.cursor)
        .of(found.into_iter(), |rule: &&Arc<IntegrationRule>| rule.id)?;
    let mut companies = companies(&page.items, &caller);
    Ok(Json(listing(page, |rule| {
        let companies = companies.remove(&rule.id).unwrap_or_default();
        RuleLineView::new(rule, companies, &caller.configuration)
    })))
}

/// The query, read once for all rules.
pub(crate) struct Wanted {
    text: Option<String>,
    pub(crate) integration: Option<IntegrationId>,
    company: Option<CompanyId>,
}

impl Wanted {
    pub(crate) fn read(query: &RulesQuery, caller: &Caller) -> Result<Self, Problem> {
        let mut params = Params::default();
        let company = params.with("company", query.company.as_deref(), |text| {
            find_company(text, caller)
        });
        let integration = params.read("integration", query.integration.as_deref());
        params.finish()?;
        let text = query.text.as_deref().map(|text| text.trim().to_lowercase());
        Ok(Self {
            text: text.filter(|text| !text.is_empty()),
            integration,
            company,
        })
    }

    /// The companies whose events and alerts are counted.
    pub(crate) fn scope(&self, caller: &Caller) -> Scope {
        match self.company {
            Some(company) => Scope::Companies(vec![company]),
            None => caller.scope().clone(),
        }
    }

    /// The rules that fit, as far as somebody sees their integrations.
    pub(crate) fn rules<'a>(&self, caller: &'a Caller) -> Vec<&'a Arc<IntegrationRule>> {
        let configuration = &caller.configuration;
        let of_company: Option<HashSet<RuleId>> = self.company.map(|company| {
            let mappings = configuration.mappings_for(company);
            mappings.flat_map(|mapping| mapping.rules.clone()).collect()
        });
        let fits = |rule: &&Arc<IntegrationRule>| {
            let integration = configuration.integration(rule.integration);
            integration.is_some_and(|integration| seen(integration, caller))
                && self.integration.is_none_or(|id| rule.integration == id)
                && of_company
                    .as_ref()
                    .is_none_or(|rules| rules.contains(&rule.id))
                && self.text.as_ref().is_none_or(|text| holds(rule, text))
        };
        configuration.rules().filter(fits).collect()
    }
}

/// Whether the name or a matcher holds a text.
fn holds(rule: &IntegrationRule, text: &str) -> bool {
    let mut matchers = rule.matchers.iter().map(Filter::to_string);
    rule.name.to_lowercase().contains(text)
        || matchers.any(|matcher| matcher.to_lowercase().contains(text))
}

/// For each rule of a page the companies that it makes alerts of, as far as the caller sees them.
fn companies(rules: &[&Arc<IntegrationRule>], caller: &Caller) -> HashMap<RuleId, Vec<String>> {
    let configuration = &caller.configuration;
    let mut companies: HashMap<RuleId, Vec<String>> =
        rules.iter().map(|rule| (rule.id, Vec::new())).collect();
    let on = configuration
        .mappings()
        .filter(|mapping| mapping.create_webhook_alert);
    for mapping in on {
        let name = match mapping.company {
            MappedTo::All => "all".to_owned(),
            MappedTo::Company(id) => {
                let integration = configuration.integration(mapping.integration);
                let is_served = integration.is_some_and(|integration| integration.serves(id));
                let company = configuration.company(id).filter(|_| caller.sees(id));
                let Some(company) = company.filter(|_| is_served) else {
                    continue;
                };
                company.name.clone()
            }
        };
        for rule in &mapping.rules {
            if let Some(names) = companies.get_mut(rule) {
                names.push(name.clone());
            }
        }
    }
    companies
        .values_mut()
        .for_each(|names| names.sort_unstable());
    companies
}

impl RuleLineView {
    fn new(rule: &IntegrationRule, companies: Vec<String>, configuration: &Configuration) -> Self {
        Self {
            id: rule.id.to_string(),
            name: rule.name.clone(),
            integration: Named::integration(rule.integration, configuration),
            event_set: Named::event_set(rule.event_set, configuration),
            matchers: rule.matchers.iter().map(Filter::to_string).collect(),
            companies,
            created_at: rule.created_at,
        }
    }
}

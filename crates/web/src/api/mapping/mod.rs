//! Company mappings.

pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
pub(crate) mod put_many;
pub(crate) mod remove;

use domain::configuration::Configuration;
use domain::integration::Integration;
use domain::mapping::{CompanyMapping, MappedTo, RULES};
use domain::{IntegrationId, RuleId};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;
use super::{Named, integration};
use crate::problem::Problem;
use crate::read::{Caller, Mapped};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MappingView {
    integration_id: String,
    company: MappedView,
    rules: Vec<String>,
    create_webhook_alert: bool,
}

/// One company, or `"all"`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum MappedView {
    One(Named),
    All(&'static str),
}

impl MappedView {
    fn new(company: MappedTo, configuration: &Configuration) -> Self {
        match company {
            MappedTo::Company(id) => Self::One(Named::company(id, configuration)),
            MappedTo::All => Self::All("all"),
        }
    }
}

impl MappingView {
    fn new(mapping: &CompanyMapping, configuration: &Configuration) -> Self {
        Self {
            integration_id: mapping.integration.to_string(),
            company: MappedView::new(mapping.company, configuration),
            rules: mapping.rules.iter().map(RuleId::to_string).collect(),
            create_webhook_alert: mapping.create_webhook_alert,
        }
    }
}

/// The rules of a mapping: those of its integration, without repeats.
pub(in crate::api) fn read_rules(
    fields: &mut Fields,
    texts: &[String],
    integration: &Integration,
    configuration: &Configuration,
) -> Vec<RuleId> {
    fields.at_most("/rules", texts.len(), RULES);
    let mut rules: Vec<RuleId> = Vec::with_capacity(texts.len().min(RULES));
    for (index, text) in texts.iter().enumerate().take(RULES) {
        let is_its_own = |id| {
            configuration
                .rule(id)
                .is_some_and(|rule| rule.integration == integration.id)
        };
        let found = fields.id(
            &format!("/rules/{index}"),
            text,
            "rule of this integration",
            is_its_own,
        );
        rules.extend(found.filter(|rule| !rules.contains(rule)));
    }
    rules
}

/// The mapping of a company that the caller may see, or that of all.
fn find(of: IntegrationId, mapped: Mapped, caller: &Caller) -> Result<&CompanyMapping, Problem> {
    integration::find(of, caller)?;
    let found = caller
        .configuration
        .mapping(of, mapped.into())
        .filter(|mapping| seen(mapping, caller));
    found.ok_or_else(|| Problem::not_found("mapping"))
}

/// Whether a mapping exists for the caller: it is one of the caller's companies', or that of all.
fn seen(mapping: &CompanyMapping, caller: &Caller) -> bool {
    match mapping.company {
        MappedTo::Company(company) => caller.sees(company),
        MappedTo::All => true,
    }
}

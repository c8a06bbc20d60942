//! Company mappings.

pub(crate) mod list;
pub(crate) mod put;
pub(crate) mod put_many;

use domain::RuleId;
use domain::configuration::Configuration;
use domain::integration::Integration;
use domain::mapping::{CompanyMapping, MappedTo, RULES};
use serde::Serialize;
use utoipa::ToSchema;

use super::Named;
use super::fields::Fields;

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

impl MappingView {
    fn new(mapping: &CompanyMapping, configuration: &Configuration) -> Self {
        Self {
            integration_id: mapping.integration.to_string(),
            company: match mapping.company {
                MappedTo::Company(id) => MappedView::One(Named::company(id, configuration)),
                MappedTo::All => MappedView::All("all"),
            },
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

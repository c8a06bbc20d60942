//! Integration rules.

pub(crate) mod create;
pub(crate) mod list;

use domain::Timestamp;
use domain::filter::Filter;
use domain::rule::IntegrationRule;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    id: String,
    integration_id: String,
    name: String,
    event_set_id: String,
    /// All of them must hold.
    matchers: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&IntegrationRule> for RuleView {
    fn from(rule: &IntegrationRule) -> Self {
        Self {
            id: rule.id.to_string(),
            integration_id: rule.integration.to_string(),
            name: rule.name.clone(),
            event_set_id: rule.event_set.to_string(),
            matchers: rule.matchers.iter().map(Filter::to_string).collect(),
            created_at: rule.created_at,
        }
    }
}

//! Integration rules.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod overview;
pub(crate) mod remove;
pub(crate) mod update;

use domain::filter::Filter;
use domain::rule::IntegrationRule;
use domain::{IntegrationId, RuleId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::integration;
use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    id: String,
    integration_id: String,
    name: String,
    event_set_id: String,
    /// All of them must hold.
    matchers: Vec<String>,
    /// Off, it makes no alerts.
    enabled: bool,
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
            enabled: rule.enabled,
            created_at: rule.created_at,
        }
    }
}

/// A rule of an integration that the caller may see.
fn find(of: IntegrationId, id: RuleId, caller: &Caller) -> Result<&IntegrationRule, Problem> {
    integration::find(of, caller)?;
    let found = caller
        .configuration
        .rule(id)
        .filter(|rule| rule.integration == of)
        .ok_or_else(|| Problem::not_found("rule"))?;
    Ok(found)
}

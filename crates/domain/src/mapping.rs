//! Company mapping: which rules of an integration a company uses, and whether alerts are made at all.

use serde::{Deserialize, Serialize};

use crate::{CompanyId, IntegrationId, RuleId};

/// Most rules that one mapping may name.
pub const RULES: usize = 100;

/// Whom a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappedTo {
    /// One company; its own mapping wins over the one of all.
    Company(CompanyId),
    /// All companies of the integration, those added later included.
    All,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyMapping {
    pub integration: IntegrationId,
    pub company: MappedTo,
    pub rules: Vec<RuleId>,
    /// *Create Webhook Alert*: off by default; off means mapped but silent.
    #[serde(default)]
    pub create_webhook_alert: bool,
}

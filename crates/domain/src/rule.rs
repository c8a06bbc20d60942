//! A name that links one integration with one event set, with optional matchers.

use serde::{Deserialize, Serialize};

use crate::filter::Filter;
use crate::{EventSetId, IntegrationId, RuleId, Timestamp};

/// Most matchers of one rule.
pub const MATCHERS: usize = 32;

/// All matchers must hold; no matcher means every event of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationRule {
    pub id: RuleId,
    pub integration: IntegrationId,
    pub name: String,
    pub event_set: EventSetId,
    #[serde(default)]
    pub matchers: Vec<Filter>,
    /// A person's switch: while it is off the rule selects nothing, and what it would have selected is not made up for.
    #[serde(default = "is_on")]
    pub enabled: bool,
    pub created_at: Timestamp,
}

/// A rule that was stored before there was a switch is on.
fn is_on() -> bool {
    true
}

//! The status of an integration, derived from a person's switch, the last check and the gate (decisions.md 12).

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gate::Gate;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Never checked.
    Draft,
    /// Checked, and not good.
    Failed,
    Authenticated,
    /// The gate is held for now.
    Paused,
    /// Switched off by a person, gone, or failing too long.
    Disabled,
}

impl IntegrationStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Failed => "failed",
            Self::Authenticated => "authenticated",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// The status, with its reason in words where it is not simply good.
#[must_use]
pub fn integration_status(
    enabled: bool,
    checked_at: Option<Timestamp>,
    authenticated_at: Option<Timestamp>,
    gate: &Gate,
) -> (IntegrationStatus, Option<String>) {
    let say = |status, reason: &str| (status, Some(reason.to_owned()));
    if !enabled {
        return say(IntegrationStatus::Disabled, "switched off");
    }
    match (authenticated_at, checked_at, gate.held()) {
        (None, None, _) => say(IntegrationStatus::Draft, "never checked"),
        (None, Some(_), _) => say(IntegrationStatus::Failed, "the last check did not succeed"),
        (Some(_), _, Some(reason)) if reason.is_paused() => {
            say(IntegrationStatus::Paused, reason.explanation())
        }
        (Some(_), _, Some(reason)) => say(IntegrationStatus::Disabled, reason.explanation()),
        (Some(_), _, None) => match gate {
            Gate::Resting { until, .. } => (
                IntegrationStatus::Authenticated,
                Some(format!("resting after failures until {until}")),
            ),
            _ => (IntegrationStatus::Authenticated, None),
        },
    }
}

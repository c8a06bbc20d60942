//! What stands around every page of one integration: its name, its state, its tabs.

use std::sync::Arc;

use delivery::{Gate, IntegrationStatus, integration_status};
use domain::IntegrationId;
use domain::integration::Integration;

use crate::App;
use crate::api::integration::seen;
use crate::console::Visitor;
use crate::console::text::visible;
use crate::problem::Problem;

/// The steps of the guide, in its order and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Tab {
    Credentials,
    EventSet,
    Rules,
    Mapping,
}

impl Tab {
    const ALL: [Self; 4] = [
        Self::Credentials,
        Self::EventSet,
        Self::Rules,
        Self::Mapping,
    ];

    pub(in crate::console) fn word(self) -> &'static str {
        match self {
            Self::Credentials => "Credentials",
            Self::EventSet => "Event Set",
            Self::Rules => "Integration Rules",
            Self::Mapping => "Company Mapping",
        }
    }

    /// Last part of its path.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::EventSet => "event-sets",
            Self::Rules => "rules",
            Self::Mapping => "mappings",
        }
    }
}

/// The tabs of an integration, and its state in words.
#[derive(Debug)]
pub(in crate::console) struct Tabs {
    /// `/settings/integrations/webhook/{id}`.
    pub(in crate::console) path: String,
    pub(in crate::console) connector: String,
    pub(in crate::console) name: String,
    pub(in crate::console) state: State,
    pub(in crate::console) is_authenticated: bool,
    here: Tab,
}

/// The state of an integration: never by colour alone.
#[derive(Debug)]
pub(in crate::console) struct State {
    pub(in crate::console) class: &'static str,
    pub(in crate::console) glyph: &'static str,
    pub(in crate::console) word: &'static str,
    pub(in crate::console) reason: Option<String>,
}

impl State {
    pub(in crate::console) fn of(integration: &Integration, gate: &Gate) -> Self {
        let (status, reason) = integration_status(
            integration.enabled,
            integration.checked_at,
            integration.authenticated_at,
            gate,
        );
        let (class, glyph, word) = match status {
            IntegrationStatus::Draft | IntegrationStatus::Failed => ("wait", "◐", "Incomplete"),
            IntegrationStatus::Authenticated if matches!(gate, Gate::Resting { .. }) => {
                ("bad", "✕", "Failing")
            }
            IntegrationStatus::Authenticated => ("good", "✓", "Active"),
            IntegrationStatus::Paused => ("bad", "✕", "Failing"),
            IntegrationStatus::Disabled if integration.enabled => ("bad", "✕", "Failing"),
            IntegrationStatus::Disabled => ("held", "‖", "Switched off"),
        };
        Self {
            class,
            glyph,
            word,
            reason,
        }
    }
}

impl Tabs {
    pub(in crate::console) fn new(integration: &Integration, gate: &Gate, here: Tab) -> Self {
        Self {
            path: path(&integration.connector, integration.id),
            connector: integration.connector.clone(),
            name: visible(&integration.name),
            state: State::of(integration, gate),
            is_authenticated: integration.authenticated_at.is_some(),
            here,
        }
    }

    /// Those that are there: until the credentials are saved and authenticated, theirs alone.
    pub(in crate::console) fn shown(&self) -> Vec<(String, &'static str, bool)> {
        let tabs = Tab::ALL
            .into_iter()
            .filter(|tab| self.is_authenticated || *tab == Tab::Credentials);
        tabs.map(|tab| {
            let path = format!("{}/{}", self.path, tab.segment());
            (path, tab.word(), tab == self.here)
        })
        .collect()
    }

    #[cfg(test)]
    pub(in crate::console) fn sample(here: Tab, is_authenticated: bool) -> Self {
        Self {
            path: "/settings/integrations/webhook/1".to_owned(),
            connector: "webhook".to_owned(),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            state: State {
                class: "bad",
                glyph: "✕",
                word: "Failing",
                reason: Some("<script>alert(1)</script>".to_owned()),
            },
            is_authenticated,
            here,
        }
    }
}

/// Where the pages of an integration are.
pub(in crate::console) fn path(connector: &str, id: IntegrationId) -> String {
    format!("/settings/integrations/{connector}/{id}")
}

/// The integration of a path, and its gate. Its connector must be the one that the path says.
pub(in crate::console) async fn find(
    app: &App,
    visitor: &Visitor,
    connector: &str,
    id: IntegrationId,
) -> Result<(Arc<Integration>, Gate), Problem> {
    let caller = &visitor.caller;
    let found = caller.configuration.integration(id);
    let found = found.filter(|found| found.connector == connector && seen(found, caller));
    let integration = found.ok_or_else(|| Problem::not_found("integration"))?;
    let gate = app.store().gate(id).await?;
    Ok((Arc::clone(integration), gate))
}

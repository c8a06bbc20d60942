//! A thing by id and name.

use domain::configuration::Configuration;
use domain::{CompanyId, EventSetId, IntegrationId, RuleId, SilenceId, SourceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::console::text::visible;

/// The name of what is set up under an id, whichever noun it is of.
pub(crate) fn called(id: &str, configuration: &Configuration) -> Option<String> {
    let company = || configuration.company(id.parse().ok()?).map(|one| &one.name);
    let integration = || {
        let found = configuration.integration(id.parse().ok()?);
        found.map(|one| &one.name)
    };
    let rule = || configuration.rule(id.parse().ok()?).map(|one| &one.name);
    let set = || {
        configuration
            .event_set(id.parse().ok()?)
            .map(|one| &one.name)
    };
    let source = || configuration.source(id.parse().ok()?).map(|one| &one.name);
    let silence = || configuration.silence(id.parse().ok()?).map(|one| &one.name);
    let name = company().or_else(integration).or_else(rule);
    let name = name.or_else(set).or_else(source).or_else(silence);
    name.cloned()
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Named {
    pub(crate) id: String,
    /// Null when it has been removed since.
    pub(crate) name: Option<String>,
}

impl Named {
    /// The name as pages show it, or of what has been removed the id.
    pub(crate) fn shown(&self) -> String {
        visible(self.name.as_deref().unwrap_or(&self.id))
    }

    pub(crate) fn company(id: CompanyId, configuration: &Configuration) -> Self {
        Self {
            id: id.to_string(),
            name: configuration
                .company(id)
                .map(|company| company.name.clone()),
        }
    }

    pub(crate) fn source(id: SourceId, configuration: &Configuration) -> Self {
        Self {
            id: id.to_string(),
            name: configuration.source(id).map(|source| source.name.clone()),
        }
    }

    pub(crate) fn integration(id: IntegrationId, configuration: &Configuration) -> Self {
        Self {
            id: id.to_string(),
            name: configuration
                .integration(id)
                .map(|found| found.name.clone()),
        }
    }

    pub(crate) fn event_set(id: EventSetId, configuration: &Configuration) -> Self {
        Self {
            id: id.to_string(),
            name: configuration.event_set(id).map(|set| set.name.clone()),
        }
    }

    pub(crate) fn silence(id: SilenceId, configuration: &Configuration) -> Self {
        Self {
            id: id.to_string(),
            name: configuration
                .silence(id)
                .map(|silence| silence.name.clone()),
        }
    }

    pub(crate) fn rule(id: RuleId, configuration: &Configuration) -> Self {
        Self {
            id: id.to_string(),
            name: configuration.rule(id).map(|rule| rule.name.clone()),
        }
    }
}

//! The document.

use domain::configuration::Configuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::section::integrations::IntegrationEntry;
use super::section::{companies, event_kinds, event_sets, integrations, sources};
use crate::api::company::create::CompanyForm;
use crate::api::event_kind::create::EventKindForm;
use crate::api::event_set::create::EventSetForm;
use crate::api::fields::Fields;
use crate::api::source::create::SourceForm;

/// The form of documents that this version reads and writes.
const VERSION: u32 = 1;
/// Most things of one section.
pub(super) const ENTRIES: usize = 100_000;

/// Everything that is set up, by its names: no ids, no states, and of secrets only where to find them. A section that is not
/// there is not spoken of: nothing of it is changed or removed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// 1, also when it is not named.
    #[serde(default = "version")]
    #[schema(required = false)]
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) companies: Option<Vec<CompanyForm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_kinds: Option<Vec<EventKindForm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_sets: Option<Vec<EventSetForm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sources: Option<Vec<SourceForm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) integrations: Option<Vec<IntegrationEntry>>,
}

fn version() -> u32 {
    VERSION
}

impl Document {
    /// One that speaks of event kinds alone.
    pub(crate) fn of_event_kinds(configuration: &Configuration) -> Self {
        Self {
            event_kinds: Some(event_kinds::export(configuration)),
            ..Self::of_nothing()
        }
    }

    /// Whether it speaks of nothing but event kinds.
    pub(crate) fn is_of_event_kinds(&self) -> bool {
        let others = self.companies.is_some()
            || self.event_sets.is_some()
            || self.sources.is_some()
            || self.integrations.is_some();
        self.event_kinds.is_some() && !others
    }

    fn of_nothing() -> Self {
        Self {
            version: VERSION,
            companies: None,
            event_kinds: None,
            event_sets: None,
            sources: None,
            integrations: None,
        }
    }

    /// All sections, each in the order of its names: the same configuration is always the same document.
    pub(super) fn of(configuration: &Configuration) -> Self {
        Self {
            version: VERSION,
            companies: Some(companies::export(configuration)),
            event_kinds: Some(event_kinds::export(configuration)),
            event_sets: Some(event_sets::export(configuration)),
            sources: Some(sources::export(configuration)),
            integrations: Some(integrations::export(configuration)),
        }
    }

    /// What can be told without looking into the sections.
    pub(super) fn check(&self, fields: &mut Fields) {
        if self.version != VERSION {
            fields.error(
                "/version",
                format!("is {VERSION}; this server reads no other"),
            );
        }
        let counts = [
            ("/companies", self.companies.as_ref().map(Vec::len)),
            ("/event_kinds", self.event_kinds.as_ref().map(Vec::len)),
            ("/event_sets", self.event_sets.as_ref().map(Vec::len)),
            ("/sources", self.sources.as_ref().map(Vec::len)),
            ("/integrations", self.integrations.as_ref().map(Vec::len)),
        ];
        for (pointer, count) in counts {
            fields.at_most(pointer, count.unwrap_or(0), ENTRIES);
        }
    }
}

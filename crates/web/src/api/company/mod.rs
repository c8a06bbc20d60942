//! Companies.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use domain::company::{Company, Quota};
use domain::configuration::Configuration;
use domain::{CompanyId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyView {
    pub(crate) id: String,
    name: String,
    /// Other names by which alert bodies call it.
    aliases: Vec<String>,
    domain: Option<String>,
    external_id: Option<String>,
    /// Null: as much as comes.
    quota: Option<QuotaForm>,
    /// Some integration that serves the company has a mapping for it with *Create Webhook Alert* on.
    mapped: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// What comes faster is answered 429 with `Retry-After`, and nothing of it is stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaForm {
    /// Of each node, 1 to 1,000,000. A second's worth may come at once.
    events_per_second: u64,
}

impl CompanyView {
    fn new(company: &Company, configuration: &Configuration) -> Self {
        Self {
            id: company.id.to_string(),
            name: company.name.clone(),
            aliases: company.aliases.clone(),
            domain: company.domain.clone(),
            external_id: company.external_id.clone(),
            quota: company.quota.as_ref().map(QuotaForm::from),
            mapped: configuration.is_mapped(company.id),
            created_at: company.created_at,
        }
    }
}

impl From<&Quota> for QuotaForm {
    fn from(quota: &Quota) -> Self {
        Self {
            events_per_second: quota.events_per_second.get().into(),
        }
    }
}

/// A company that the caller may see.
pub(crate) fn find(id: CompanyId, caller: &Caller) -> Result<&Company, Problem> {
    let found = caller
        .configuration
        .company(id)
        .filter(|_| caller.sees(id))
        .ok_or_else(|| Problem::not_found("company"))?;
    Ok(found)
}

//! Companies.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;

use domain::Timestamp;
use domain::company::Company;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyView {
    id: String,
    name: String,
    /// Other names by which alert bodies call it.
    aliases: Vec<String>,
    domain: Option<String>,
    external_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Company> for CompanyView {
    fn from(company: &Company) -> Self {
        Self {
            id: company.id.to_string(),
            name: company.name.clone(),
            aliases: company.aliases.clone(),
            domain: company.domain.clone(),
            external_id: company.external_id.clone(),
            created_at: company.created_at,
        }
    }
}

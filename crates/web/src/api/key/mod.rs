//! API keys.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod remove;

use domain::access::{ApiKey, Scope};
use domain::{CompanyId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: String,
    name: String,
    /// `admin`, `operator` or `viewer`.
    #[schema(value_type = String)]
    role: &'static str,
    /// The companies that it sees; null means all.
    companies: Option<Vec<String>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl KeyView {
    fn new(key: &ApiKey, last_used_at: Option<Timestamp>) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            role: key.role.as_str(),
            companies: match &key.scope {
                Scope::All => None,
                Scope::Companies(ids) => Some(ids.iter().map(CompanyId::to_string).collect()),
            },
            created_at: key.created_at,
            last_used_at,
        }
    }
}

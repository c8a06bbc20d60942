//! People who sign in to the console.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod password;
pub(crate) mod remove;
pub(crate) mod update;

use std::sync::Arc;

use domain::access::Scope;
use domain::configuration::Configuration;
use domain::user::User;
use domain::{CompanyId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

/// Most companies of one user.
const COMPANIES: usize = 10_000;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    pub(crate) id: String,
    /// What they sign in by.
    pub(crate) name: String,
    /// `admin`, `operator` or `viewer`.
    #[schema(value_type = String)]
    role: &'static str,
    /// The companies that they see; null means all.
    companies: Option<Vec<String>>,
    /// Whoever is switched off cannot sign in.
    enabled: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_signed_in_at: Option<Timestamp>,
}

impl UserView {
    fn new(user: &User, last_signed_in_at: Option<Timestamp>) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            role: user.role.as_str(),
            companies: match &user.scope {
                Scope::All => None,
                Scope::Companies(ids) => Some(ids.iter().map(CompanyId::to_string).collect()),
            },
            enabled: user.enabled,
            created_at: user.created_at,
            last_signed_in_at,
        }
    }
}

/// The user as the database has them now, for they are changed on what they are.
async fn newest(app: &App, id: UserId) -> Result<(Arc<User>, Arc<Configuration>), Problem> {
    let configuration = app.store().newest_configuration().await?;
    match configuration.user(id).cloned() {
        Some(user) => Ok((user, configuration)),
        None => Err(Problem::not_found("user")),
    }
}

/// All companies, or those that are named.
fn scope(fields: &mut Fields, companies: Option<&[String]>, caller: &Caller) -> Scope {
    let Some(companies) = companies else {
        return Scope::All;
    };
    fields.at_most("/companies", companies.len(), COMPANIES);
    if companies.is_empty() {
        fields.error("/companies", "names at least one company; null means all");
    }
    Scope::Companies(fields.companies("/companies", companies, caller))
}

/// Somebody has to be able to let others in.
fn last_admin() -> Problem {
    Problem::wrong_state(
        "this is the last user who is switched on, has the role admin and sees all companies; make another one first",
    )
}

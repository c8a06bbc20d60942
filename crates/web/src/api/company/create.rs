use axum::extract::State;
use domain::CompanyId;
use domain::company::{Company, parse_name};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::CompanyView;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Form};

/// Most other names of one company.
const ALIASES: usize = 100;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyForm {
    name: String,
    /// Other names by which alert bodies call it.
    #[serde(default)]
    aliases: Vec<String>,
    domain: Option<String>,
    external_id: Option<String>,
}

/// Make a company.
#[utoipa::path(post, path = "/api/v1/companies", tag = "companies", request_body = CompanyForm,
    responses((status = 201, body = CompanyView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<CompanyForm>,
) -> Made<CompanyView> {
    let company = form.parse(app.fresh(CompanyId::new), &app)?;
    let view = CompanyView::from(&company);
    app.store()
        .change(Change::InsertCompany(company), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl CompanyForm {
    fn parse(self, id: CompanyId, app: &App) -> Result<Company, Problem> {
        let mut fields = Fields::default();
        let name = fields.name(&self.name);
        fields.at_most("/aliases", self.aliases.len(), ALIASES);
        let aliases = self
            .aliases
            .iter()
            .enumerate()
            .filter_map(|(index, alias)| {
                fields.take(&format!("/aliases/{index}"), parse_name(alias))
            });
        let aliases = aliases.collect();
        let mut optional = |pointer: &str, text: Option<String>| {
            text.filter(|text| !text.is_empty())
                .and_then(|text| fields.take(pointer, parse_name(&text)))
        };
        let (domain, external_id) = (
            optional("/domain", self.domain),
            optional("/external_id", self.external_id),
        );
        let name = fields.finish_with(name)?;
        Ok(Company {
            id,
            name,
            aliases,
            domain,
            external_id,
            created_at: app.now(),
        })
    }
}

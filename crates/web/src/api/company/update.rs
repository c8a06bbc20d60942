use axum::Json;
use axum::extract::State;
use domain::CompanyId;
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::create::CompanyForm;
use super::{CompanyView, QuotaForm, find};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::read::form::or_null;
use crate::read::{Admin, Form, Id};

/// What is not named stays as it is; null takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyPatch {
    name: Option<String>,
    /// In the place of the former.
    aliases: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    domain: Option<Option<String>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<QuotaForm>)]
    quota: Option<Option<QuotaForm>>,
}

/// Change a company.
#[utoipa::path(patch, path = "/api/v1/companies/{id}", tag = "companies", params(("id" = String, Path)),
    request_body = CompanyPatch, responses((status = 200, body = CompanyView)))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<CompanyId>,
    Form(patch): Form<CompanyPatch>,
) -> Answer<CompanyView> {
    let stored = find(id, &caller)?;
    let mut fields = Fields::default();
    let changed = patch
        .over(stored.into())
        .parse(&mut fields, id, stored.created_at);
    let changed = fields.finish_with(changed)?;
    let view = CompanyView::new(&changed, &caller.configuration);
    if changed != *stored {
        app.store()
            .change(Change::UpdateCompany(changed), &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view))
}

impl CompanyPatch {
    fn over(self, stored: CompanyForm) -> CompanyForm {
        CompanyForm {
            name: self.name.unwrap_or(stored.name),
            aliases: self.aliases.unwrap_or(stored.aliases),
            domain: self.domain.unwrap_or(stored.domain),
            external_id: self.external_id.unwrap_or(stored.external_id),
            quota: self.quota.unwrap_or(stored.quota),
        }
    }
}

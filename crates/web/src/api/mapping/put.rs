use axum::Json;
use axum::extract::State;
use domain::IntegrationId;
use domain::mapping::CompanyMapping;
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::{MappingView, read_rules};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::api::integration::{expect_authenticated, find};
use crate::problem::Problem;
use crate::read::{Admin, Form, Ids, Mapped};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingForm {
    /// Ids of rules of this integration.
    rules: Vec<String>,
    /// Off unless told: mapped, but silent.
    #[serde(default)]
    create_webhook_alert: bool,
}

/// Say which rules of an integration a company uses; `all` in the place of its id is all companies.
#[utoipa::path(put, path = "/api/v1/integrations/{id}/mappings/{company_id}", tag = "mappings",
    params(("id" = String, Path), ("company_id" = String, Path)),
    request_body = MappingForm, responses((status = 200, body = MappingView)))]
pub(crate) async fn put(
    app: State<App>,
    Admin(caller): Admin,
    Ids(id, mapped): Ids<IntegrationId, Mapped>,
    Form(form): Form<MappingForm>,
) -> Answer<MappingView> {
    let integration = find(id, &caller)?;
    if let Mapped::Company(company) = mapped {
        let named = caller
            .configuration
            .company(company)
            .filter(|_| integration.serves(company));
        named.ok_or_else(|| Problem::not_found("company of this integration"))?;
    }
    expect_authenticated(integration)?;
    let mut fields = Fields::default();
    let rules = read_rules(&mut fields, &form.rules, integration, &caller.configuration);
    fields.finish()?;
    let mapping = CompanyMapping {
        integration: id,
        company: mapped.into(),
        rules,
        create_webhook_alert: form.create_webhook_alert,
    };
    let view = MappingView::new(&mapping, &caller.configuration);
    app.store()
        .change(
            Change::PutMappings(vec![mapping]),
            &caller.actor(),
            app.now(),
        )
        .await?;
    Ok(Json(view))
}

use axum::Json;
use axum::extract::State;
use domain::IntegrationId;
use domain::integration::{COMPANIES, Integration};
use domain::mapping::{CompanyMapping, MappedTo};
use serde::Deserialize;
use serde_json::Value;
use store::Change;
use utoipa::ToSchema;

use super::{MappingView, read_rules};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::api::integration::{expect_authenticated, find};
use crate::read::{Admin, Caller, Form, Id, Listing};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingsForm {
    /// Ids or names of companies, or `"all"`, which covers those added later too; a company's own mapping wins over it.
    companies: Value,
    rules: Vec<String>,
    #[serde(default)]
    create_webhook_alert: bool,
}

/// Say the same of several companies, or of all.
#[utoipa::path(put, path = "/api/v1/integrations/{id}/mappings", tag = "mappings", params(("id" = String, Path)),
    request_body = MappingsForm, responses((status = 200, body = Listing<MappingView>)))]
pub(crate) async fn put_many(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
    Form(form): Form<MappingsForm>,
) -> Answer<Listing<MappingView>> {
    let integration = find(id, &caller)?;
    expect_authenticated(integration)?;
    let mut fields = Fields::default();
    let mapped = read_companies(&mut fields, &form.companies, &caller);
    expect_served(&mut fields, &mapped, integration);
    let rules = read_rules(&mut fields, &form.rules, integration, &caller.configuration);
    fields.finish()?;
    let mapping = |company| CompanyMapping {
        integration: id,
        company,
        rules: rules.clone(),
        create_webhook_alert: form.create_webhook_alert,
    };
    let mappings: Vec<_> = mapped.into_iter().map(mapping).collect();
    let items = mappings
        .iter()
        .map(|mapping| MappingView::new(mapping, &caller.configuration))
        .collect();
    app.store()
        .change(Change::PutMappings(mappings), &caller.actor(), app.now())
        .await?;
    Ok(Json(Listing { items, next: None }))
}

/// Ids or names of companies, or the word `all`.
pub(in crate::api) fn read_companies(
    fields: &mut Fields,
    value: &Value,
    caller: &Caller,
) -> Vec<MappedTo> {
    const RULE: &str = "is a list of company ids or names, or the word `all`";
    let texts: Option<Vec<String>> = match value {
        Value::String(word) if word == "all" => return vec![MappedTo::All],
        Value::Array(list) => list
            .iter()
            .map(|entry| entry.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        fields.error("/companies", RULE);
        return Vec::new();
    };
    fields.at_most("/companies", texts.len(), COMPANIES);
    let companies = fields.companies("/companies", &texts, caller);
    companies.into_iter().map(MappedTo::Company).collect()
}

fn expect_served(fields: &mut Fields, mapped: &[MappedTo], integration: &Integration) {
    let other = mapped.iter().find_map(|mapped| match mapped {
        MappedTo::Company(company) if !integration.serves(*company) => Some(company),
        _ => None,
    });
    if let Some(other) = other {
        fields.error(
            "/companies",
            format!("{other} is not among the integration's associated companies"),
        );
    }
}

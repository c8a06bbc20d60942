use axum::extract::State;
use domain::IntegrationId;
use domain::integration::{COMPANIES, DeliveryForm, Integration, Secrets};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::Change;
use utoipa::ToSchema;

use super::progress::Listener;
use super::{IntegrationView, trial, view_now};
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationForm {
    /// `webhook`.
    connector: String,
    name: String,
    /// Of a webhook: `webhook_url`, `authentication_url`, `username`, `password`, `header_key`, `header_value`, `login`,
    /// `signing_secret`, `signing_secret_previous`, `signing_secret_previous_until`, `ca`, `client_certificate`, `client_key`.
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
    /// Associated companies by id or name; empty means all.
    #[serde(default)]
    companies: Vec<String>,
    /// `{"schedule": ["0s", "5s"], "timeout": "15s", "concurrency": 8, "rate_per_second": 10, "group_window": "60s"}`, all optional.
    #[schema(value_type = Option<Object>)]
    delivery: Option<DeliveryForm>,
}

/// Make an integration: its credentials are stored first and then tried with a marked test alert, so that nothing typed is lost.
#[utoipa::path(post, path = "/api/v1/integrations", tag = "integrations", request_body = IntegrationForm,
    responses((status = 201, body = IntegrationView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<IntegrationForm>,
) -> Made<IntegrationView> {
    let id = insert(&app, &caller, form).await?;
    trial::authenticate(&app, id, &caller.actor(), &Listener::nobody()).await?;
    made(view_now(&app, id, &caller).await?)
}

/// Stores a new integration. It has not been tried yet.
pub(crate) async fn insert(
    app: &App,
    caller: &Caller,
    form: IntegrationForm,
) -> Result<IntegrationId, Problem> {
    let (integration, secrets) = form.parse(app, caller)?;
    let id = integration.id;
    let change = Change::InsertIntegration {
        integration,
        secrets,
    };
    app.store()
        .change(change, &caller.actor(), app.now())
        .await?;
    Ok(id)
}

impl IntegrationForm {
    fn parse(self, app: &App, caller: &Caller) -> Result<(Integration, Secrets), Problem> {
        let mut fields = Fields::default();
        let name = fields.name(&self.name);
        fields.at_most("/companies", self.companies.len(), COMPANIES);
        let companies = fields.companies("/companies", &self.companies, caller);
        let delivery = parse_delivery(&mut fields, &self.delivery.unwrap_or_default());
        let parsed = match connectors::parse(&self.connector, &self.credentials, app.egress()) {
            Ok(parsed) => Some(parsed),
            Err(errors) => {
                fields.extend(errors);
                None
            }
        };
        let (name, delivery, parsed) =
            fields.finish_with(name.zip(delivery).zip(parsed).map(|((a, b), c)| (a, b, c)))?;
        let integration = Integration {
            id: app.fresh(IntegrationId::new),
            connector: self.connector,
            name,
            companies,
            enabled: true,
            authenticated_at: None,
            checked_at: None,
            secrets_set: parsed.secrets_set(),
            fields: parsed.fields,
            delivery,
            last_check: None,
            created_at: app.now(),
            version: 1,
        };
        Ok((integration, parsed.secrets))
    }
}

/// The settings of a `delivery` object, each broken rule noted.
pub(in crate::api) fn parse_delivery(
    fields: &mut Fields,
    form: &DeliveryForm,
) -> Option<domain::integration::DeliverySettings> {
    match form.parse() {
        Ok(settings) => Some(settings),
        Err(errors) => {
            errors
                .into_iter()
                .for_each(|error| fields.error(format!("/delivery/{}", error.field), error.rule));
            None
        }
    }
}

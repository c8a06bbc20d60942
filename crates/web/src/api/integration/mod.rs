//! Integrations: set up, checked, switched, released, finished.

pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod end_overlap;
pub(crate) mod export;
pub(crate) mod finish;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod release;
pub(crate) mod remove;
pub(crate) mod rotate_secret;
pub(crate) mod update;

mod gate;
pub(crate) mod progress;
pub(crate) mod trial;

pub(crate) use progress::Listener;
pub(crate) use trial::authenticate;

use std::sync::Arc;

use connectors::Parsed;
use delivery::{Gate, integration_status};
use domain::integration::{DeliveryForm, Integration, Secrets};
use domain::{CompanyId, IntegrationId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::Change;
use utoipa::ToSchema;

use crate::App;
use crate::problem::Problem;
use crate::read::Caller;
use gate::GateView;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrationView {
    pub(crate) id: String,
    connector: String,
    name: String,
    /// `draft` (never checked), `failed` (checked, not good), `authenticated`, `paused` (the gate is held for now),
    /// `disabled` (gone, failing too long, or switched off by a person).
    #[schema(value_type = String)]
    status: &'static str,
    status_reason: Option<String>,
    enabled: bool,
    /// Associated companies; empty means all.
    companies: Vec<String>,
    /// As they were given; of a secret only `{"set": true, "last4": "…"}`.
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
    #[schema(value_type = Object)]
    delivery: DeliveryForm,
    /// The machine's own view: whether it sends now, and when it will again.
    gate: GateView,
    /// The report of the last check: `{"ok": …, "steps": [{"name", "ok", "detail", "millis"}]}`; a step to look at has
    /// `warning`, one that failed `cause` and `remedy`.
    #[schema(value_type = Option<Object>)]
    check: Option<Value>,
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    authenticated_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl IntegrationView {
    fn new(integration: &Integration, gate: &Gate, caller: &Caller) -> Self {
        let (status, status_reason) = integration_status(
            integration.enabled,
            integration.checked_at,
            integration.authenticated_at,
            gate,
        );
        let mut credentials = integration.fields.clone();
        for (name, last4) in &integration.secrets_set {
            credentials.insert(name.clone(), json!({"set": true, "last4": last4}));
        }
        let seen = |company: &&CompanyId| caller.sees(**company);
        Self {
            id: integration.id.to_string(),
            connector: integration.connector.clone(),
            name: integration.name.clone(),
            status: status.as_str(),
            status_reason,
            enabled: integration.enabled,
            companies: integration
                .companies
                .iter()
                .filter(seen)
                .map(CompanyId::to_string)
                .collect(),
            credentials,
            delivery: DeliveryForm::from(&integration.delivery),
            gate: GateView::from(gate),
            check: integration.last_check.clone(),
            checked_at: integration.checked_at,
            authenticated_at: integration.authenticated_at,
            created_at: integration.created_at,
        }
    }
}

/// Whether an integration exists for the caller: it serves one of the caller's companies.
pub(crate) fn seen(integration: &Integration, caller: &Caller) -> bool {
    caller.sees_all()
        || integration.companies.is_empty()
        || integration
            .companies
            .iter()
            .any(|company| caller.sees(*company))
}

pub(super) fn find(id: IntegrationId, caller: &Caller) -> Result<&Arc<Integration>, Problem> {
    let found = caller
        .configuration
        .integration(id)
        .filter(|integration| seen(integration, caller));
    found.ok_or_else(|| Problem::not_found("integration"))
}

/// What rules, mappings and finish ask first (decisions.md 17).
pub(super) fn expect_authenticated(integration: &Integration) -> Result<(), Problem> {
    if integration.authenticated_at.is_some() {
        return Ok(());
    }
    let missing = match integration.checked_at {
        None => "its credentials were never checked",
        Some(_) => "the last check of its credentials did not succeed",
    };
    Err(Problem::wrong_state(format!(
        "the step Credentials is missing: the integration is not authenticated, {missing}; \
         correct the credentials or check them again (POST /api/v1/integrations/{}/check)",
        integration.id
    )))
}

/// The view of an integration as it stands now.
async fn view_now(
    app: &App,
    id: IntegrationId,
    caller: &Caller,
) -> Result<IntegrationView, Problem> {
    let configuration = app.store().configuration().await?;
    let integration = configuration
        .integration(id)
        .ok_or_else(|| Problem::not_found("integration"))?;
    let gate = app.store().gate(id).await?;
    Ok(IntegrationView::new(integration, &gate, caller))
}

/// All secrets of an integration; a change of one of them writes all.
async fn stored_secrets(app: &App, integration: &Integration) -> Result<Secrets, Problem> {
    let secrets = app.store().secrets(integration.id).await?;
    if let Some(name) = integration
        .secrets_set
        .keys()
        .find(|name| !secrets.contains_key(*name))
    {
        return Err(Problem::wrong_state(format!(
            "the secret {name} was sealed with another key; bring that key back or type it again"
        )));
    }
    Ok(secrets)
}

/// Stores other signing secrets. Neither URL nor login change, so the integration is as authenticated as before.
async fn replace_signing(
    app: &App,
    stored: &Integration,
    parsed: Parsed,
    caller: &Caller,
) -> Result<(), Problem> {
    let integration = Integration {
        secrets_set: parsed.secrets_set(),
        fields: parsed.fields,
        ..stored.clone()
    };
    let change = Change::UpdateIntegration {
        integration,
        secrets: Some(parsed.secrets),
    };
    app.store()
        .change(change, &caller.actor(), app.now())
        .await?;
    Ok(())
}

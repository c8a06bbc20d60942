use axum::Json;
use axum::extract::State;
use connectors::rotation::without_ended;
use domain::IntegrationId;
use domain::integration::{COMPANIES, DeliveryForm, Integration, Secrets};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::Change;
use utoipa::ToSchema;

use super::create::parse_delivery;
use super::progress::Listener;
use super::{IntegrationView, find, trial, view_now};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Id};

/// What is not named stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationPatch {
    name: Option<String>,
    /// A person's switch. Switching on also opens a gate that the machine holds.
    enabled: Option<bool>,
    /// In the place of the former; empty means all.
    companies: Option<Vec<String>>,
    /// In the place of the former; what it does not name is at its default.
    #[schema(value_type = Option<Object>)]
    delivery: Option<DeliveryForm>,
    /// A key replaces, null removes, what is not named stays. When scheme, host or port of a URL changes, stored secrets
    /// are not carried over: each must be given again or be null. A `signing_secret` takes the place of the former at once; the
    /// call `signing-secret` lets both sign for a while.
    #[schema(value_type = Option<Object>)]
    credentials: Option<Map<String, Value>>,
}

/// Change an integration. Changed credentials are stored first and then tried, as when it was made.
#[utoipa::path(patch, path = "/api/v1/integrations/{id}", tag = "integrations", params(("id" = String, Path)),
    request_body = IntegrationPatch, responses((status = 200, body = IntegrationView)))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
    Form(patch): Form<IntegrationPatch>,
) -> Answer<IntegrationView> {
    if save(&app, &caller, id, patch).await? {
        trial::authenticate(&app, id, &caller.actor(), &Listener::nobody()).await?;
    }
    Ok(Json(view_now(&app, id, &caller).await?))
}

/// Stores a change. True: the credentials are other ones, and have not been tried yet.
pub(crate) async fn save(
    app: &App,
    caller: &Caller,
    id: IntegrationId,
    patch: IntegrationPatch,
) -> Result<bool, Problem> {
    let stored = find(id, caller)?;
    let (enabled, anew) = (patch.enabled, patch.credentials.is_some());
    if let Some((integration, secrets)) = patch.parse(app, caller, stored).await? {
        let change = Change::UpdateIntegration {
            integration,
            secrets,
        };
        app.store()
            .change(change, &caller.actor(), app.now())
            .await?;
    }
    if let Some(enabled) = enabled {
        switch(app, id, enabled, caller).await?;
    }
    Ok(anew)
}

async fn switch(
    app: &App,
    id: IntegrationId,
    enabled: bool,
    caller: &Caller,
) -> Result<(), Problem> {
    let (store, actor) = (app.store(), caller.actor());
    store
        .change(Change::SetEnabled { id, enabled }, &actor, app.now())
        .await?;
    if enabled && store.gate(id).await?.held().is_some() {
        store
            .change(Change::ReleaseGate { id }, &actor, app.now())
            .await?;
    }
    Ok(())
}

impl IntegrationPatch {
    /// The changed integration, with its secrets when they change; none when only the switch is named.
    async fn parse(
        self,
        app: &App,
        caller: &Caller,
        stored: &Integration,
    ) -> Result<Option<(Integration, Option<Secrets>)>, Problem> {
        if self.name.is_none()
            && self.companies.is_none()
            && self.delivery.is_none()
            && self.credentials.is_none()
        {
            return Ok(None);
        }
        let mut fields = Fields::default();
        let mut changed = stored.clone();
        if let Some(name) = self.name.and_then(|name| fields.name(&name)) {
            changed.name = name;
        }
        if let Some(companies) = &self.companies {
            fields.at_most("/companies", companies.len(), COMPANIES);
            changed.companies = fields.companies("/companies", companies, caller);
        }
        if let Some(settings) = self
            .delivery
            .and_then(|form| parse_delivery(&mut fields, &form))
        {
            changed.delivery = settings;
        }
        let mut secrets = None;
        if let Some(patch) = &self.credentials {
            let old = app.store().secrets(stored.id).await?;
            let old = without_ended(&stored.fields, &old, app.now());
            match connectors::change(
                &stored.connector,
                &old.fields,
                &old.secrets,
                patch,
                app.egress(),
            ) {
                Ok(parsed) => {
                    changed.secrets_set = parsed.secrets_set();
                    changed.fields = parsed.fields;
                    (
                        changed.authenticated_at,
                        changed.checked_at,
                        changed.last_check,
                    ) = (None, None, None);
                    secrets = Some(parsed.secrets);
                }
                Err(errors) => fields.extend(errors),
            }
        }
        fields.finish()?;
        Ok(Some((changed, secrets)))
    }
}

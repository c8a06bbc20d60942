use axum::Json;
use axum::extract::State;
use delivery::Gate;
use domain::IntegrationId;
use domain::access::Role;
use domain::integration::Integration;
use store::Change;

use super::{IntegrationView, find, view_now};
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Caller, Id, Operator};

/// Open a gate that the machine holds or lets rest: what waits is tried at once. It does not undo a person's switch. A gate that
/// is open stays as it is.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/release", tag = "integrations", params(("id" = String, Path)),
    responses((status = 200, body = IntegrationView)))]
pub(crate) async fn release(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<IntegrationId>,
) -> Answer<IntegrationView> {
    let integration = find(id, &caller)?;
    if !may_release(integration, &caller) {
        return Err(Problem::forbidden(
            "the integration serves other companies too; this takes a key for all that it serves",
        ));
    }
    if !matches!(
        app.store().gate(id).await?,
        Gate::Admitting { .. } | Gate::Opened { .. }
    ) {
        app.store()
            .change(Change::ReleaseGate { id }, &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view_now(&app, id, &caller).await?))
}

/// A gate is one for all companies of its integration, so a key for some of them does not open it.
pub(crate) fn may_release(integration: &Integration, caller: &Caller) -> bool {
    let mut companies = integration.companies.iter();
    let whole = !integration.companies.is_empty() && companies.all(|company| caller.sees(*company));
    (whole || caller.sees_all()) && caller.role() >= Role::Operator
}

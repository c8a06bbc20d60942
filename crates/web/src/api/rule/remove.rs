use axum::extract::State;
use domain::{IntegrationId, RuleId};
use http::StatusCode;
use store::Change;

use super::find;
use crate::App;
use crate::api::uses;
use crate::problem::Problem;
use crate::read::{Admin, Ids};

/// Remove a rule, whatever the state of its integration. A mapping that names it keeps it: 409.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}/rules/{rule_id}", tag = "rules",
    params(("id" = String, Path), ("rule_id" = String, Path)),
    responses((status = 204, description = "It is gone."),
        (status = 409, body = crate::problem::ProblemView, description = "`used_by` names the mappings that use it.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Ids(integration, id): Ids<IntegrationId, RuleId>,
) -> Result<StatusCode, Problem> {
    let name = &find(integration, id, &caller)?.name;
    let removed = app
        .store()
        .change(Change::RemoveRule(id), &caller.actor(), app.now())
        .await;
    uses::refuse(&app, removed, "rule", name, |configuration| {
        uses::of_rule(configuration, id)
    })
    .await
}

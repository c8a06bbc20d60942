use axum::extract::State;
use domain::IntegrationId;
use http::StatusCode;
use store::Change;

use super::find;
use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Ids, Mapped};

/// Remove the mapping of a company, which then has that of all if there is one; `all` in the place of its id is that of all.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}/mappings/{company_id}", tag = "mappings",
    params(("id" = String, Path), ("company_id" = String, Path)),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Ids(integration, mapped): Ids<IntegrationId, Mapped>,
) -> Result<StatusCode, Problem> {
    find(integration, mapped, &caller)?;
    let change = Change::RemoveMapping {
        integration,
        company: mapped.into(),
    };
    app.store()
        .change(change, &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

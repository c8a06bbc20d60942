use axum::extract::State;
use domain::CompanyId;
use http::StatusCode;
use store::Change;

use super::find;
use crate::App;
use crate::api::uses;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Remove a company with its mappings. Its events stay, without a name. A source or an integration that names it keeps it: 409.
#[utoipa::path(delete, path = "/api/v1/companies/{id}", tag = "companies", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone."),
        (status = 409, body = crate::problem::ProblemView, description = "`used_by` names what uses it.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<CompanyId>,
) -> Result<StatusCode, Problem> {
    let name = &find(id, &caller)?.name;
    let removed = app
        .store()
        .change(Change::RemoveCompany(id), &caller.actor(), app.now())
        .await;
    uses::refuse(&app, removed, "company", name, |configuration| {
        uses::of_company(configuration, id)
    })
    .await
}

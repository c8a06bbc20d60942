use axum::extract::State;
use domain::SourceId;
use http::StatusCode;
use store::Change;

use super::find;
use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Remove a source: its intake URL is answered 404 from now on. What came in by it stays.
#[utoipa::path(delete, path = "/api/v1/sources/{id}", tag = "sources", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<SourceId>,
) -> Result<StatusCode, Problem> {
    find(id, &caller)?;
    app.store()
        .change(Change::RemoveSource(id), &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

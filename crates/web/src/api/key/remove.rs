use axum::extract::State;
use domain::KeyId;
use http::StatusCode;
use store::Change;

use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// End an API key.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "access", params(("id" = String, Path)),
    responses((status = 204, description = "The key is no longer good.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<KeyId>,
) -> Result<StatusCode, Problem> {
    app.store()
        .change(Change::RemoveKey(id), &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

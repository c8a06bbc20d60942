use axum::extract::State;
use domain::SilenceId;
use http::StatusCode;
use store::Change;

use super::find_own;
use crate::App;
use crate::problem::Problem;
use crate::read::{Id, Operator};

/// Remove a silence, as if it had not been there. What it muted stays muted; to keep its name beside that, end it instead.
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "silences", params(("id" = String, Path)),
    responses((status = 204, description = "The silence is gone.")))]
pub(crate) async fn remove(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<SilenceId>,
) -> Result<StatusCode, Problem> {
    find_own(id, &caller)?;
    app.store()
        .change(Change::RemoveSilence(id), &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

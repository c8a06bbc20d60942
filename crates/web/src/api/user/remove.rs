use axum::extract::State;
use domain::UserId;
use domain::user::is_last_admin;
use http::StatusCode;
use store::Change;

use super::{last_admin, newest};
use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Remove a user; their sessions end.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "access", params(("id" = String, Path)),
    responses((status = 204, description = "They can no longer sign in."),
        (status = 409, body = crate::problem::ProblemView, description = "They are the last who could let others in.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<UserId>,
) -> Result<StatusCode, Problem> {
    let (_, configuration) = newest(&app, id).await?;
    if is_last_admin(id, &configuration) {
        return Err(last_admin());
    }
    let changes = vec![Change::RemoveUser(id)];
    app.store()
        .change_all_at(configuration.epoch, changes, &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

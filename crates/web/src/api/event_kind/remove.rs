use axum::extract::{Path, State};
use http::StatusCode;
use store::Change;

use super::find;
use crate::App;
use crate::problem::Problem;
use crate::read::Admin;

/// Remove an event kind of your own. Events that were read by it keep its code; event sets that name it keep the name.
#[utoipa::path(delete, path = "/api/v1/catalog/kinds/{id}", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let change = Change::RemoveEventKind(find(&id, &caller)?.id);
    app.store()
        .change(change, &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

use axum::Json;
use axum::extract::State;
use domain::SilenceId;

use super::{SilenceView, find};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Viewer};

/// One silence, with how many events it has muted.
#[utoipa::path(get, path = "/api/v1/silences/{id}", tag = "silences", params(("id" = String, Path)),
    responses((status = 200, body = SilenceView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SilenceId>,
) -> Answer<SilenceView> {
    let silence = find(id, &caller)?;
    let silenced = app.store().silenced(caller.scope(), id).await?;
    let view = SilenceView::new(silence, &caller, app.now());
    Ok(Json(view.counted(silenced)))
}

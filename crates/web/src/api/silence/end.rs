use axum::Json;
use axum::extract::State;
use domain::SilenceId;
use domain::silence::{Silence, State as Life};
use store::Change;

use super::{SilenceView, find_own};
use crate::App;
use crate::api::Answer;
use crate::read::{Id, Operator};

/// End a silence now. What it muted is not released: replay it if it should be. One that has ended stays as it is.
#[utoipa::path(post, path = "/api/v1/silences/{id}/end", tag = "silences", params(("id" = String, Path)),
    responses((status = 200, body = SilenceView)))]
pub(crate) async fn end(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<SilenceId>,
) -> Answer<SilenceView> {
    let stored = find_own(id, &caller)?;
    let now = app.now();
    if stored.state(now) == Life::Ended {
        return Ok(Json(SilenceView::new(stored, &caller, now)));
    }
    let ended = Silence {
        ended_at: Some(now),
        ..Silence::clone(stored)
    };
    let view = SilenceView::new(&ended, &caller, now);
    app.store()
        .change(Change::EndSilence(ended), &caller.actor(), now)
        .await?;
    Ok(Json(view))
}

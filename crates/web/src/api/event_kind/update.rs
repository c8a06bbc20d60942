use axum::Json;
use axum::extract::{Path, State};
use store::Change;

use super::create::{EventKindForm, Origin, checked};
use super::{EventKindView, find};
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Admin, Form};

/// Put another file in the place of an event kind's. It stays about the same code.
#[utoipa::path(put, path = "/api/v1/catalog/kinds/{id}", tag = "catalogue", params(("id" = String, Path)),
    request_body = EventKindForm, responses((status = 200, body = EventKindView)))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Form(form): Form<EventKindForm>,
) -> Answer<EventKindView> {
    let stored = find(&id, &caller)?;
    let origin = Origin {
        id: stored.id,
        author: stored.author.clone(),
        created_at: stored.created_at,
    };
    let kind = checked(form, origin, &caller.configuration).await?;
    if kind.name() != stored.name() {
        let detail = format!(
            "is about `{}`; add it as an entry of its own, for this one is about `{}`",
            kind.name(),
            stored.name()
        );
        return Err(Problem::field("/file", detail));
    }
    let view = EventKindView::new(&kind, &caller.configuration);
    if kind != **stored {
        let (epoch, change) = (caller.configuration.epoch, Change::UpdateEventKind(kind));
        app.store()
            .change_all_at(epoch, vec![change], &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view))
}

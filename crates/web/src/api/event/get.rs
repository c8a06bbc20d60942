use axum::Json;
use axum::extract::State;
use domain::EventId;

use alertwire_catalogue::Limits;

use super::EventView;
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Id, Viewer};

/// One event: how it was read, and where its fields stand in its body.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = EventView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<EventId>,
) -> Answer<EventView> {
    let event = app
        .store()
        .event(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("event"))?;
    let (catalogue, configuration, limits) = (
        caller.configuration.catalogue().clone(),
        caller.configuration.clone(),
        Limits::default(),
    );
    let view =
        move || EventView::new(event, &configuration, &limits).with_spans(&catalogue, &limits);
    // A body of a megabyte takes its time to read again.
    let view = tokio::task::spawn_blocking(view).await;
    view.map(Json)
        .map_err(|error| Problem::internal(error.to_string()))
}

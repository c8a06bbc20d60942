use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::EventId;
use domain::projection::Format;
use serde::Deserialize;
use utoipa::IntoParams;

use alertwire_catalogue::Limits;

use super::{EventView, projected};
use crate::App;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::{Id, Params, Query, Viewer};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventGetQuery {
    /// `ocsf`, `ecs`, `cef` or `leef`: the event in that format, a document for each record. The first two are answered as an
    /// array of objects, the others as lines of plain text.
    #[serde(rename = "as")]
    format: Option<String>,
}

/// One event: how it was read, and where its fields stand in its body; or in the format of a SIEM.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", params(("id" = String, Path), EventGetQuery),
    responses((status = 200, content((EventView = "application/json"), (String = "text/plain")))))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<EventId>,
    Query(query): Query<EventGetQuery>,
) -> Result<Response, Problem> {
    let mut params = Params::default();
    let format: Option<Format> = params.read("as", query.format.as_deref());
    params.finish()?;
    let event = app
        .store()
        .event(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("event"))?;
    if let Some(format) = format {
        return projected::answer(&app, &caller, event, format).await;
    }
    let (catalogue, configuration, limits) = (
        caller.configuration.catalogue().clone(),
        caller.configuration.clone(),
        Limits::default(),
    );
    let view =
        move || EventView::new(event, &configuration, &limits).with_spans(&catalogue, &limits);
    // A body of a megabyte takes its time to read again.
    Ok(Json(blocking(view).await?).into_response())
}

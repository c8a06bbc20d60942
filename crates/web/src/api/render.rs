//! Rendering an event without storing it.

use alertwire_catalogue::{Record, RenderError};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::problem::Problem;
use crate::read::{Form, Viewer};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderForm {
    /// Code of a kind.
    event: String,
    /// One record; or `records` for several.
    #[schema(value_type = Option<Object>)]
    fields: Option<Record>,
    #[schema(value_type = Option<Vec<Object>>)]
    records: Option<Vec<Record>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RenderedView {
    subject: String,
    body: String,
}

/// The alert of an event.
#[utoipa::path(post, path = "/api/v1/render", tag = "catalogue", request_body = RenderForm,
    responses((status = 200, body = RenderedView)))]
pub(crate) async fn create(
    Viewer(caller): Viewer,
    Form(form): Form<RenderForm>,
) -> Answer<RenderedView> {
    let records = match (form.fields, form.records) {
        (Some(_), Some(_)) => {
            return Err(Problem::field(
                "/records",
                "cannot stand beside `fields`; give one of them",
            ));
        }
        (Some(record), None) => vec![record],
        (None, records) => records.unwrap_or_default(),
    };
    let rendered = caller
        .configuration
        .catalogue()
        .render(&form.event, &records)
        .map_err(|error| Problem::field(place(&error), error.to_string()))?;
    Ok(Json(RenderedView {
        subject: rendered.subject,
        body: rendered.body,
    }))
}

fn place(error: &RenderError) -> String {
    match error {
        RenderError::UnknownKind { .. } => "/event".to_owned(),
        RenderError::TooManyRecords { .. } => "/records".to_owned(),
        RenderError::UnknownField { field, .. }
        | RenderError::MissingField { field, .. }
        | RenderError::BadValue { field, .. }
        | RenderError::NotOneHeading { field, .. } => format!("/fields/{field}"),
    }
}

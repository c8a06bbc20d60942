//! Reading a payload without storing it.

use alertwire_catalogue::{Limits, answer};
use axum::Json;
use axum::extract::{Request, State};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::Answer;
use crate::App;
use crate::blocking::blocking;
use crate::read::{Params, Query, Viewer, body};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ParseQuery {
    /// `true`: each field of a record with its byte span in the body.
    #[param(value_type = Option<bool>)]
    spans: Option<String>,
}

/// Read a payload as `alertwire parse` does. The body is taken as it is, whatever its type and also when it is not JSON.
#[utoipa::path(post, path = "/api/v1/parse", tag = "catalogue", params(ParseQuery),
    request_body(content = String, content_type = "*/*"), responses((status = 200, body = Object)))]
pub(crate) async fn create(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<ParseQuery>,
    request: Request,
) -> Answer<Value> {
    let mut params = Params::default();
    let spans = params
        .read("spans", query.spans.as_deref())
        .unwrap_or(false);
    params.finish()?;
    let payload = body::whole(request.into_body(), app.settings().form_bytes).await?;
    let catalogue = caller.configuration.catalogue().clone();
    let read = move || {
        answer(
            &catalogue,
            &catalogue.read(&payload, &Limits::default()),
            spans,
        )
    };
    // Reading is bounded, but a hostile megabyte may take a while.
    blocking(read).await.map(Json)
}

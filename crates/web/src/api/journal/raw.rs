use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::MessageId;
use http::header;

use super::find;
use crate::App;
use crate::problem::Problem;
use crate::read::{Id, Viewer};

/// The raw message, byte for byte.
#[utoipa::path(get, path = "/api/v1/journal/{id}/raw", tag = "journal", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn raw(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<MessageId>,
) -> Result<Response, Problem> {
    let (message, _, whole) = find(&app, &caller, id).await?;
    if !whole {
        return Err(Problem::not_found("message"));
    }
    // Never to be shown as a page, whatever it holds.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"message\"",
        ),
    ];
    Ok((headers, message.raw).into_response())
}

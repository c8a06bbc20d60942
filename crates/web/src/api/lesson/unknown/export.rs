use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::{UnknownQuery, all};
use crate::App;
use crate::api::export::Column::Key;
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "unknown",
    columns: &[
        Key("subject"),
        Key("event"),
        Key("none"),
        Key("partial"),
        Key("last_seen"),
        Key("event_id"),
        Key("sample"),
    ],
    is_paged: false,
};

/// Subjects whose alerts are not read in full as a file, at most 10,000, by the query keys of `GET /api/v1/catalog/unknown`.
#[utoipa::path(get, path = "/api/v1/catalog/unknown/export", tag = "catalogue",
    params(UnknownQuery, ("limit" = Option<u64>, Query, description = "How many of them; all unless told."), ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: UnknownQuery| all(app, Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

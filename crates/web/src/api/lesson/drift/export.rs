use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::{DriftQuery, list};
use crate::App;
use crate::api::export::Column::{At, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "drift",
    columns: &[
        Key("subject"),
        Key("event"),
        Key("source"),
        Key("company"),
        Key("since"),
        Key("before"),
        Key("now"),
        Key("new_tail"),
        At("suggestion", "/suggestion/template"),
        Key("events"),
    ],
    is_paged: false,
};

/// Open alarms of wordings that changed as a file, at most 50, by the query keys of `GET /api/v1/catalog/drift`.
#[utoipa::path(get, path = "/api/v1/catalog/drift/export", tag = "catalogue",
    params(DriftQuery, ("limit" = Option<u64>, Query, description = "How many of them; all unless told."), ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: DriftQuery| list(app, Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

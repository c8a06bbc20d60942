use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::{CatalogQuery, lines};
use crate::App;
use crate::api::export::Column::Key;
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "catalogue",
    columns: &[
        Key("code"),
        Key("name"),
        Key("category"),
        Key("subject"),
        Key("aliases"),
        Key("severity"),
        Key("wording"),
        Key("origin"),
        Key("class"),
        Key("action"),
        Key("fields"),
    ],
    is_paged: false,
};

/// All event kinds as a file, by the query keys of `GET /api/v1/catalog`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/catalog/export", tag = "catalogue",
    params(CatalogQuery, ("limit" = Option<u64>, Query, description = "How many of them; all unless told."), ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |_, caller, query: CatalogQuery| lines(Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

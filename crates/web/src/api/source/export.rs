use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::{SourcesQuery, list};
use crate::App;
use crate::api::export::Column::{At, Companies, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "sources",
    columns: &[
        Key("id"),
        Key("name"),
        Key("intake_url"),
        Key("authentication_url"),
        Key("company"),
        Companies("companies"),
        Key("dedup_window"),
        At("last_seen_at", "/activity/last_seen_at"),
        At("accepted", "/activity/accepted"),
        At("duplicates", "/activity/duplicates"),
        At("refused", "/activity/refused"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Sources as a file, streamed, by the query keys of `GET /api/v1/sources`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/sources/export", tag = "sources",
    params(SourcesQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: SourcesQuery| list(app, Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

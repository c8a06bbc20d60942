use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::list;
use crate::App;
use crate::api::export::Column::Key;
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{PageQuery, Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "event_sets",
    columns: &[
        Key("id"),
        Key("name"),
        Key("notify_by"),
        Key("critical_bypass"),
        Key("events"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Event sets as a file, streamed, by the query keys of `GET /api/v1/event-sets`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/event-sets/export", tag = "event sets",
    params(PageQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |_, caller, query: PageQuery| list(Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

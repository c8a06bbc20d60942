use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::overview::{RulesQuery, overview};
use crate::App;
use crate::api::export::Column::Key;
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "rules",
    columns: &[
        Key("id"),
        Key("name"),
        Key("integration"),
        Key("event_set"),
        Key("matchers"),
        Key("companies"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Rules of all integrations as a file, streamed, by the query keys of `GET /api/v1/rules`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/rules/export", tag = "rules",
    params(RulesQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |_, caller, query: RulesQuery| overview(Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

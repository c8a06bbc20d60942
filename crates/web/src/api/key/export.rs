use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::list;
use crate::App;
use crate::api::export::Column::{Companies, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Admin, PageQuery, Query};

static SHEET: Sheet = Sheet {
    of: "keys",
    columns: &[
        Key("id"),
        Key("name"),
        Key("role"),
        Companies("companies"),
        Key("last_used_at"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// API keys as a file, streamed, by the query keys of `GET /api/v1/keys`; JSON lines end with a line `{"end": …}`. The keys themselves are in no list.
#[utoipa::path(get, path = "/api/v1/keys/export", tag = "access",
    params(PageQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Admin(caller): Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: PageQuery| list(app, Admin(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::{SilencesQuery, list};
use crate::App;
use crate::api::export::Column::{Actor, Companies, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "silences",
    columns: &[
        Key("id"),
        Key("name"),
        Key("state"),
        Key("filter"),
        Companies("companies"),
        Key("from"),
        Key("until"),
        Key("repeat"),
        Key("repeat_until"),
        Key("ends_at"),
        Key("ended_at"),
        Key("reason"),
        Actor("author"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Silences as a file, streamed, by the query keys of `GET /api/v1/silences`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/silences/export", tag = "silences",
    params(SilencesQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: SilencesQuery| list(app, Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

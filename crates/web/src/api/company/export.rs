use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::{CompanyQuery, list};
use crate::App;
use crate::api::export::Column::{At, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "companies",
    columns: &[
        Key("id"),
        Key("name"),
        Key("aliases"),
        Key("domain"),
        Key("external_id"),
        At("events_per_second", "/quota/events_per_second"),
        Key("mapped"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Companies as a file, streamed, by the query keys of `GET /api/v1/companies`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/companies/export", tag = "companies",
    params(CompanyQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |_, caller, query: CompanyQuery| list(Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::{IntegrationsQuery, list};
use crate::App;
use crate::api::export::Column::{Companies, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "integrations",
    columns: &[
        Key("id"),
        Key("name"),
        Key("connector"),
        Key("status"),
        Key("status_reason"),
        Key("enabled"),
        Companies("companies"),
        Key("checked_at"),
        Key("authenticated_at"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Integrations as a file, streamed, by the query keys of `GET /api/v1/integrations`; JSON lines end with a line `{"end": …}`. Of secrets it says as little as the list.
#[utoipa::path(get, path = "/api/v1/integrations/export", tag = "integrations",
    params(IntegrationsQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: IntegrationsQuery| list(app, Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

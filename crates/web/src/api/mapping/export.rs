use axum::extract::State;
use axum::response::Response;
use domain::IntegrationId;
use http::Uri;

use super::list::lines;
use crate::App;
use crate::api::export::Column::Key;
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Id, PageQuery, Query, Viewer};

static SHEET: Sheet = Sheet {
    of: "mappings",
    columns: &[
        Key("integration"),
        Key("company"),
        Key("rules"),
        Key("create_webhook_alert"),
    ],
    is_paged: true,
};

/// The mappings of an integration as a file, streamed, rules by their names; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/mappings/export", tag = "mappings",
    params(("id" = String, Path), PageQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<IntegrationId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = move |_, caller, query: PageQuery| lines(Viewer(caller), Id(id), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

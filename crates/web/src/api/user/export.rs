use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::list::{UsersQuery, list};
use crate::App;
use crate::api::export::Column::{Companies, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Admin, Query};

static SHEET: Sheet = Sheet {
    of: "users",
    columns: &[
        Key("id"),
        Key("name"),
        Key("role"),
        Companies("companies"),
        Key("enabled"),
        Key("last_signed_in_at"),
        Key("created_at"),
    ],
    is_paged: true,
};

/// Users as a file, streamed, by the query keys of `GET /api/v1/users`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/users/export", tag = "access",
    params(UsersQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Admin(caller): Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: UsersQuery| list(app, Admin(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

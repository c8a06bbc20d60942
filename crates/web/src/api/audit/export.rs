use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::{AuditListQuery, list};
use crate::App;
use crate::api::export::Column::{Actor, Key};
use crate::api::export::Sheet;
use crate::problem::Problem;
use crate::read::{Admin, Query};

static SHEET: Sheet = Sheet {
    of: "audit_lines",
    columns: &[
        Key("id"),
        Key("at"),
        Actor("actor"),
        Key("action"),
        Key("what"),
        Key("target"),
        Key("name"),
        Key("epoch"),
        Key("detail"),
    ],
    is_paged: true,
};

/// The audit log as a file, streamed, by the query keys of `GET /api/v1/audit`; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "access",
    params(AuditListQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Admin(caller): Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: AuditListQuery| list(app, Admin(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

use axum::Json;

use super::document::Document;
use crate::api::Answer;
use crate::blocking::blocking;
use crate::read::Admin;

/// The configuration as one document. `PUT` takes it back: taken back as it is, it changes nothing.
#[utoipa::path(get, path = "/api/v1/configuration", tag = "configuration", responses((status = 200, body = Document)))]
pub(crate) async fn get(Admin(caller): Admin) -> Answer<Document> {
    // That of 10,000 companies takes a while, which other requests shall not wait.
    blocking(move || Json(Document::of(&caller.configuration))).await
}

//! Who changed what, and going back.

mod list;
mod rollback;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/audit", get(list::show)).route(
        "/audit/rollback",
        get(rollback::ask).post(rollback::roll_back),
    )
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::AuditPage::samples()),
        rendered(rollback::RollbackPage::samples()),
    ]
    .concat()
}

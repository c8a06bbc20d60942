//! The server itself.

mod bundle;
mod licences;
mod overview;
mod verify;

use axum::Router;
use axum::routing::{get, post};

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/system", get(overview::show))
        .route("/system/licences", get(licences::show))
        .route("/system/verify", post(verify::verify))
        .route("/system/support-bundle", get(bundle::download))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(overview::SystemPage::samples()),
        rendered(licences::LicencesPage::samples()),
    ]
    .concat()
}

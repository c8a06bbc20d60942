//! Integrations, set up in the steps of the guide.

pub(super) mod checklist;
pub(super) mod tabs;

use axum::Router;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    Vec::new()
}

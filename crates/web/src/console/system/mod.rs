//! The server itself.

use axum::Router;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    Vec::new()
}

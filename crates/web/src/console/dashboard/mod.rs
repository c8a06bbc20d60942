//! The first thing to look at: what needs attention, and how the traffic goes.

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::Visitor;
use super::page::see;
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(show))
}

async fn show(_: Visitor) -> Response {
    see("/events")
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    Vec::new()
}

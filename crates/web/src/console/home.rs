use axum::response::Response;

use super::Visitor;
use super::page::see;

/// The first thing to look at.
pub(crate) async fn show(_: Visitor) -> Response {
    see("/events")
}

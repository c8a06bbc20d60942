//! Events: what came in, how it was read, where it went.

mod asked;
mod detail;
mod export;
mod formats;
pub(crate) mod list;
mod live;
mod message;
mod readings;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(super) use export::grouped;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/events", get(list::show))
        .route("/events/live", get(live::follow))
        .route("/events/export/{format}", get(export::export))
        .route("/events/{id}", get(detail::show))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    let list = rendered(list::EventsPage::samples());
    let detail = rendered(detail::EventPage::samples());
    [list, detail].concat()
}

//! Events: what came in, how it was read, where it went.

mod detail;
pub(crate) mod list;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/events", get(list::show))
        .route("/events/{id}", get(detail::show))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    let list = rendered(list::EventsPage::samples());
    let detail = rendered(detail::EventPage::samples());
    [list, detail].concat()
}

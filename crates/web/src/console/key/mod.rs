//! API keys: for programs, as users are for people.

mod create;
mod list;
mod remove;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/keys", get(list::show).post(create::create))
        .route("/keys/new", get(create::show))
        .route("/keys/{id}/remove", get(remove::ask).post(remove::remove))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::KeysPage::samples()),
        rendered(create::NewKeyPage::samples()),
        rendered(create::MadeKeyPage::samples()),
    ]
    .concat()
}

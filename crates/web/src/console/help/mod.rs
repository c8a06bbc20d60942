//! What pages link to for more.

mod causes;

use axum::Router;
use axum::routing::get;

pub(super) use causes::remedy;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/help/causes", get(causes::show))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    super::page::rendered(causes::CausesPage::samples())
}

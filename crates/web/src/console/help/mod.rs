//! What pages link to for more.

mod causes;
mod whitelisting;

use axum::Router;
use axum::routing::get;

pub(super) use causes::remedy;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/help/causes", get(causes::show))
        .route("/help/whitelisting", get(whitelisting::show))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    let causes = rendered(causes::CausesPage::samples());
    let whitelisting = rendered(whitelisting::WhitelistingPage::samples());
    [causes, whitelisting].concat()
}

//! Re-readings: what one would do, and how far one is.

mod asked;
mod new;
mod show;

use axum::Router;
use axum::routing::get;
use store::JobKind;

use super::order::orders;
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rereads/new", get(new::show).post(new::post))
        .route("/rereads/{id}", get(show::show))
        .route("/rereads/{id}/order", orders(JobKind::Reread))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    let new = rendered(new::NewPage::samples());
    let show = rendered(show::RereadPage::samples());
    [new, show].concat()
}

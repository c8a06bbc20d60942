//! Imports: the form that takes a scanner's file, and how far one is.

mod new;
mod show;

use axum::Router;
use axum::routing::get;
use store::JobKind;

use super::order::orders;
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/imports/new", get(new::show).post(new::post))
        .route("/imports/{id}", get(show::show))
        .route("/imports/{id}/order", orders(JobKind::Import))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    let new = rendered(new::NewPage::samples());
    let show = rendered(show::ImportPage::samples());
    [new, show].concat()
}

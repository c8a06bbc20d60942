//! Replays: what one would send, and how far one is.

mod asked;
mod new;
mod preview;
mod show;

use axum::Router;
use axum::routing::get;
use store::JobKind;

use super::order::orders;
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/replays/new", get(new::show).post(new::post))
        .route("/replays/{id}", get(show::show))
        .route("/replays/{id}/order", orders(JobKind::Replay))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    let new = rendered(new::NewPage::samples());
    let show = rendered(show::ReplayPage::samples());
    [new, show].concat()
}

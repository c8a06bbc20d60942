//! Long work: replays, re-readings and imports.

mod asked;
mod import;
mod list;
mod order;
mod progress;
mod replay;
mod reread;

use axum::Router;
use axum::routing::get;
use store::JobKind;

use crate::App;

/// Where the pages of jobs of a kind lie.
pub(super) fn place(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Replay => "replays",
        JobKind::Reread => "rereads",
        JobKind::Import => "imports",
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/jobs", get(list::show))
        .merge(replay::routes())
        .merge(reread::routes())
        .merge(import::routes())
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::JobsPage::samples()),
        replay::rendered(),
        reread::rendered(),
        import::rendered(),
    ]
    .concat()
}

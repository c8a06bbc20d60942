//! Integrations, set up in the steps of the guide.

pub(super) mod checklist;
mod credentials;
mod event_set;
mod finish;
mod list;
mod mapping;
pub(super) mod rule;
mod step;
pub(super) mod tabs;
mod tiles;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/settings/integrations", get(tiles::show))
        .route("/settings/integrations/{connector}", get(list::show))
        .route(
            "/settings/integrations/{connector}/{id}/finish",
            get(finish::show).post(finish::run),
        )
        .merge(credentials::routes())
        .merge(event_set::routes())
        .merge(rule::routes())
        .merge(mapping::routes())
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(tiles::TilesPage::samples()),
        rendered(list::ListPage::samples()),
        rendered(finish::FinishPage::samples()),
        credentials::rendered(),
        event_set::rendered(),
        rule::rendered(),
        mapping::rendered(),
    ]
    .concat()
}

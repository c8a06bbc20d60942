//! The tab Company Mapping: which companies use which rules, and whether alerts are made for them.

mod remove;
mod save;
mod show;

use axum::Router;
use axum::routing::{get, post};

use crate::App;

const LIST: &str = "/settings/integrations/{connector}/{id}/mappings";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(LIST, get(show::show).post(save::several))
        .route(&format!("{LIST}/{{of}}"), post(save::one))
        .route(&format!("{LIST}/{{of}}/remove"), post(remove::remove))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    crate::console::page::rendered(show::MappingsPage::samples())
}

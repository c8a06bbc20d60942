//! The tab Integration Rules: which event sets the integration uses.

pub(in crate::console) mod edit;
mod list;
mod remove;
mod switch;

use axum::Router;
use axum::routing::{get, post};

use crate::App;

const LIST: &str = "/settings/integrations/{connector}/{id}/rules";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(LIST, get(list::show))
        .route(
            &format!("{LIST}/new"),
            get(edit::new_one).post(edit::create),
        )
        .route(
            &format!("{LIST}/{{of}}"),
            get(edit::known).post(edit::update),
        )
        .route(&format!("{LIST}/{{of}}/remove"), post(remove::remove))
        .route(&format!("{LIST}/{{of}}/switch"), post(switch::switch))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    let list = rendered(list::RulesPage::samples());
    let edit = rendered(edit::RulePage::samples());
    [list, edit].concat()
}

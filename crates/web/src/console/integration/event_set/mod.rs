//! The tab Event Set: what makes an alert.

mod edit;
mod list;
mod remove;

use axum::Router;
use axum::routing::{get, post};
use domain::event_set::NotifyBy;

use crate::App;

const LIST: &str = "/settings/integrations/{connector}/{id}/event-sets";

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
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    let list = rendered(list::EventSetsPage::samples());
    let edit = rendered(edit::EventSetPage::samples());
    [list, edit].concat()
}

/// A *Notify By* as people choose it.
fn word(by: NotifyBy) -> &'static str {
    match by {
        NotifyBy::Event => "Each event",
        NotifyBy::Asset => "Asset",
        NotifyBy::Product => "Product",
        NotifyBy::Company => "Company",
    }
}

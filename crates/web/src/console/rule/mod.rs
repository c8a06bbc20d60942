//! Integration rules of all integrations, and what a changed one would do.

mod dry_run;
mod list;
mod outcome;
mod standing;

use std::time::Duration;

use axum::Router;
use axum::routing::get;

pub(in crate::console) use outcome::{DAY, Outcome};
pub(in crate::console) use standing::{Standing, standings};

use crate::App;

/// How far back the alerts of rules are counted.
pub(in crate::console) const HITS_SINCE: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rules", get(list::show))
        .route("/rules/dry-run", get(dry_run::show).post(dry_run::save))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    let list = rendered(list::RulesPage::samples());
    let dry_run = rendered(dry_run::DryRunPage::samples());
    [list, dry_run].concat()
}

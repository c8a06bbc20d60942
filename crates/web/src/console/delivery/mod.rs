//! Deliveries: what was sent where, with every attempt.

mod detail;
mod list;
mod retry;

use axum::Router;
use axum::routing::{get, post};
use store::Standing;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/deliveries", get(list::show))
        .route("/deliveries/{id}", get(detail::show))
        .route("/deliveries/{id}/retry", post(retry::retry))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    let list = rendered(list::DeliveriesPage::samples());
    let detail = rendered(detail::DeliveryPage::samples());
    [list, detail].concat()
}

/// A standing as pages show it: never by colour alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) word: &'static str,
}

impl From<Standing> for Badge {
    fn from(standing: Standing) -> Self {
        let (class, glyph) = match standing {
            Standing::Pending => ("wait", "…"),
            Standing::Delivered => ("good", "✓"),
            Standing::Parked => ("held", "‖"),
            Standing::Dead => ("bad", "✕"),
        };
        Self {
            class,
            glyph,
            word: standing.as_str(),
        }
    }
}

//! People who sign in, and their roles.

mod create;
mod detail;
mod holder;
mod list;
mod password;
mod remove;

use axum::Router;
use axum::routing::{get, post};

pub(super) use holder::Holder;

use crate::App;

/// The pointers of what the forms of users and keys ask for.
pub(super) const POINTERS: &[&str] = &["/name", "/role", "/companies", "/password"];

/// The roles, as forms propose them.
pub(super) fn roles() -> [(String, String); 3] {
    [
        ("viewer", "Viewer: reads"),
        (
            "operator",
            "Operator: also sends events, retries and replays",
        ),
        ("admin", "Admin: also changes what is set up"),
    ]
    .map(|(role, words)| (role.to_owned(), words.to_owned()))
}

/// What each role may do: viewer, operator, admin of some companies, admin of all.
pub(super) const MAY: [(&str, [bool; 4]); 5] = [
    ("See events, deliveries and what is set up", [true; 4]),
    (
        "Send events, retry and replay deliveries",
        [false, true, true, true],
    ),
    (
        "Silence events and end silences of their companies",
        [false, true, true, true],
    ),
    (
        "Set up sources, integrations, rules, mappings and the catalogue",
        [false, false, false, true],
    ),
    (
        "Let users and API keys in, read the audit log, see the system",
        [false, false, false, true],
    ),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/users", get(list::show).post(create::create))
        .route("/users/new", get(create::show))
        .route("/users/{id}", get(detail::show).post(detail::update))
        .route("/users/{id}/password", post(password::set))
        .route("/users/{id}/remove", get(remove::ask).post(remove::remove))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::UsersPage::samples()),
        rendered(create::NewUserPage::samples()),
        rendered(detail::UserPage::samples()),
        rendered(password::MadePasswordPage::samples()),
    ]
    .concat()
}

//! Sources: the doors that events come in by.

mod company_rules;
mod create;
mod detail;
mod edit;
mod entries;
mod list;
mod made;
mod remove;
mod rotate;

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/sources", get(list::show).post(create::create))
        .route("/sources/new", get(create::show))
        .route("/sources/{id}", get(detail::show))
        .route("/sources/{id}/edit", get(edit::show).post(edit::update))
        .route("/sources/{id}/company-rules", post(company_rules::change))
        .route("/sources/{id}/rotate", post(rotate::rotate))
        .route(
            "/sources/{id}/remove",
            get(remove::ask).post(remove::remove),
        )
}

/// The ways that have a secret: the API's name, the console's word, and the word for the secret.
const WAYS: [(&str, &str, &str); 4] = [
    ("header", "Header", "Authentication Header Value"),
    ("basic", "User name and password", "Webhook Password"),
    (
        "login",
        "Authentication URL",
        "Webhook Password for the authentication URL",
    ),
    ("signature", "Signature", "Signing secret"),
];

/// How long something still lasts, in its largest unit.
pub(super) fn words(left: Duration) -> String {
    let seconds = left.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let found = units.into_iter().find(|(each, _)| seconds >= *each);
    match found {
        Some((each, unit)) => {
            let count = seconds / each;
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {unit}{plural}")
        }
        None => "less than a minute".to_owned(),
    }
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::SourcesPage::samples()),
        rendered(create::NewSourcePage::samples()),
        rendered(edit::EditSourcePage::samples()),
        rendered(detail::SourcePage::samples()),
        rendered(made::MadeSecretsPage::samples()),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_in_its_largest_unit() {
        let said = |seconds| words(Duration::from_secs(seconds));
        assert_eq!(said(3 * 86_400 + 5), "3 days");
        assert_eq!(said(86_400), "1 day");
        assert_eq!(said(7_200), "2 hours");
        assert_eq!(said(59), "less than a minute");
    }
}

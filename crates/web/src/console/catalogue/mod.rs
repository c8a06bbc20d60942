//! Event kinds, what they are read by, and what is learned.

mod detail;
mod drift;
mod entries;
mod entry;
mod learn;
mod list;
mod tester;
mod unknown;

use alertwire_catalogue::{AlertReading, Kind};
use axum::Router;
use axum::routing::{get, post};
use url::form_urlencoded::Serializer;

use super::text::{Mark, visible};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/catalogue", get(list::show))
        .route("/catalogue/tester", get(tester::show).post(tester::test))
        .route("/catalogue/unknown", get(unknown::show))
        .route("/catalogue/learn", get(learn::show).post(learn::teach))
        .route("/catalogue/drift", get(drift::show))
        .route("/catalogue/entries", get(entries::show).post(entry::add))
        .route("/catalogue/entries/export", get(entries::export))
        .route("/catalogue/entries/import", post(entries::import))
        .route("/catalogue/entries/new", get(entry::fresh))
        .route(
            "/catalogue/entries/{id}",
            get(entry::show).post(entry::change),
        )
        .route("/catalogue/entries/{id}/remove", post(entry::remove))
        .route("/catalogue/{code}", get(detail::show))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::CataloguePage::samples()),
        rendered(detail::KindPage::samples()),
        rendered(detail::RetiredPage::samples()),
        rendered(entries::EntriesPage::samples()),
        rendered(entry::EntryPage::samples()),
        rendered(tester::TesterPage::samples()),
        rendered(unknown::UnknownPage::samples()),
        rendered(learn::LearnPage::samples()),
        rendered(drift::DriftPage::samples()),
    ]
    .concat()
}

/// A kind, and where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KindLink {
    code: String,
    name: String,
    path: String,
}

impl KindLink {
    fn new(kind: &Kind) -> Self {
        Self {
            code: visible(&kind.code),
            name: visible(&kind.name),
            path: kind_path(&kind.code),
        }
    }

    #[cfg(test)]
    fn sample() -> Self {
        Self {
            code: "backup.failed".to_owned(),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            path: kind_path("backup.failed"),
        }
    }
}

/// Where a kind is shown. Codes hold nothing that a path would have to escape.
fn kind_path(code: &str) -> String {
    format!("/catalogue/{code}")
}

/// A path with these parameters.
fn path_with(path: &str, pairs: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// How much of a body is read: never by colour alone.
#[derive(Debug, Clone, Copy)]
struct Badge {
    class: &'static str,
    glyph: &'static str,
    word: &'static str,
}

impl Badge {
    fn of(matched: alertwire_catalogue::Match) -> Self {
        use alertwire_catalogue::Match;
        let (class, glyph, word) = match matched {
            Match::Full => ("good", "✓", "full"),
            Match::Partial => ("wait", "◐", "partial"),
            Match::None => ("held", "○", "not recognised"),
        };
        Self { class, glyph, word }
    }
}

/// Where the fields of an alert stand in its body.
fn marks(alert: &AlertReading<'_>) -> Vec<Mark> {
    let mark = |span: &alertwire_catalogue::Span| Mark {
        field: visible(&span.field),
        start: span.start,
        end: span.end,
    };
    alert.spans.iter().map(mark).collect()
}

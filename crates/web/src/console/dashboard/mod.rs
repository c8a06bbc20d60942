//! The first thing to look at: what needs attention, and how the traffic goes.

mod attention;
mod range;
mod show;

use axum::Router;
use axum::routing::get;
use url::form_urlencoded::Serializer;

use super::Frame;
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(show::show))
}

/// A list that is narrowed to what a figure counts, and to the company that is looked at.
fn link(frame: &Frame, path: &str, pairs: &[(&str, &str)]) -> String {
    let company = ("company", frame.company.as_str());
    let set = pairs.iter().chain([&company]);
    let mut query = Serializer::new(String::new());
    query.extend_pairs(set.filter(|(_, value)| !value.is_empty()));
    match query.finish().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    super::page::rendered(show::DashboardPage::samples())
}

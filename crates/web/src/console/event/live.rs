//! The list as it grows: rows of what comes in, as the page shows them.

use axum::extract::State;
use domain::filter::{Filter, Place, quoted};
use http::{HeaderMap, Uri};
use serde_json::json;
use store::EventQuery;

use super::list::Row;
use crate::App;
use crate::api::event::list::EventsQuery;
use crate::api::event::stream;
use crate::api::live::Live;
use crate::console::Visitor;
use crate::console::following::{LAST, known_to_page};
use crate::console::visitor::Stranger;
use crate::problem::Problem;
use crate::read::ListQuery;

/// Server-sent events: each is a row of the list.
pub(super) async fn follow(
    app: State<App>,
    visitor: Visitor,
    uri: Uri,
    mut headers: HeaderMap,
) -> Result<Live, Stranger> {
    let asked = ListQuery::<EventsQuery>::read(&uri, &[LAST])?;
    known_to_page(asked.own(LAST), &mut headers);
    let (query, _) = asked.list.parse(&visitor.caller)?;
    let Some(filter) = filter(&query) else {
        let detail = "what comes in cannot be told by this: take off what names a message, a silence, repeats or an end";
        return Err(Problem::field("", detail).into());
    };
    let tell = |event, configuration: &_| json!(Row::new(event, &[], configuration));
    let lines = stream::follow(&app, &visitor.caller, filter, &headers, tell).await;
    lines.map_err(Stranger::from)
}

/// What the list asks for, as far as it is asked of what comes in; none when what comes in cannot be told by it.
pub(super) fn filter(query: &EventQuery) -> Option<Option<Filter>> {
    let is_of_the_past = query.until.is_some()
        || query.message.is_some()
        || query.silence.is_some()
        || query.repeated;
    if is_of_the_past {
        return None;
    }
    let mut terms = Vec::new();
    let mut term = |key: &str, value: Option<String>| {
        terms.extend(value.map(|value| format!("{key}={}", quoted(&value))));
    };
    term("event", query.kind.clone());
    term("category", query.category.clone());
    term("company", query.company.map(|id| id.to_string()));
    term("source", query.source.map(|id| id.to_string()));
    term("routing", query.routing.clone());
    term("match", query.matched.map(|one| one.as_str().to_owned()));
    term("decode", query.decode.map(|one| one.as_str().to_owned()));
    term("text", query.text.clone());
    term("fingerprint", query.fingerprint.map(|one| one.to_string()));
    let severity = query.severity_least;
    terms.extend(severity.map(|least| format!("severity>={}", least.as_str())));
    terms.extend(query.filter.as_ref().map(ToString::to_string));
    if terms.is_empty() {
        return Some(None);
    }
    let filter = Filter::parse_for(Place::Search, &terms.join(" "));
    filter.ok().map(Some)
}

#[cfg(test)]
mod tests {
    use domain::Severity;

    use super::*;

    #[test]
    fn a_list_becomes_the_filter_of_what_comes_in() {
        let query = EventQuery {
            text: Some("a \"b\"".to_owned()),
            routing: Some("unmatched".to_owned()),
            severity_least: Some(Severity::High),
            filter: Some("field.ip=10.0.0.1".parse().unwrap()),
            ..EventQuery::default()
        };
        let filter = filter(&query).unwrap().unwrap();
        assert_eq!(
            filter.to_string(),
            r#"routing="unmatched" text="a \"b\"" severity>=high field.ip=10.0.0.1"#
        );
    }

    #[test]
    fn what_is_of_the_past_is_not_followed() {
        assert_eq!(filter(&EventQuery::default()), Some(None));
        let query = EventQuery {
            repeated: true,
            ..EventQuery::default()
        };
        assert_eq!(filter(&query), None);
    }
}

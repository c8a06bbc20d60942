//! What the keys of a filter find in an event.

use std::borrow::Cow;

use super::term::{Bound, Key, Order};
use crate::CompanyId;
use crate::catalogue::Value;
use crate::configuration::Configuration;
use crate::event::Routing;
use crate::matching::Facts;

/// How an event without a company is called.
pub(super) const UNASSIGNED: &str = "unassigned";

/// The values that a key has, as text. Ids of companies and sources are among them where a whole id may be meant.
pub(super) fn values<'a>(
    key: &'a Key,
    ids: bool,
    facts: &Facts<'a>,
    configuration: &'a Configuration,
) -> Vec<Cow<'a, str>> {
    let one = |value: Option<&'a str>| value.map(Cow::Borrowed).into_iter().collect();
    match key {
        // Words are not asked for by value.
        Key::Text => Vec::new(),
        Key::Severity => one(Some(facts.severity.as_str())),
        Key::Event => facts
            .kind
            .into_iter()
            .chain(facts.reading.alternatives.iter().map(String::as_str))
            .map(Cow::Borrowed)
            .collect(),
        Key::Category => one(facts.category),
        Key::Subject => one(Some(facts.subject)),
        Key::Body => one(Some(facts.body)),
        Key::Company => company_words(facts.company, ids, configuration),
        Key::Source => {
            let Some(id) = facts.source else {
                return Vec::new();
            };
            let name = configuration
                .source(id)
                .map(|source| Cow::Borrowed(source.name.as_str()));
            let id = ids.then(|| Cow::Owned(id.to_string()));
            name.into_iter().chain(id).collect()
        }
        Key::Match => one(Some(facts.reading.matched.as_str())),
        Key::Decode => one(Some(facts.reading.decode.as_str())),
        Key::Routing => routing_words(facts.routing),
        Key::ReceivedAt => vec![Cow::Owned(facts.received_at.to_string())],
        Key::OccurredAt => facts
            .occurred_at
            .map(|at| Cow::Owned(at.to_string()))
            .into_iter()
            .collect(),
        Key::Fingerprint => vec![Cow::Owned(facts.fingerprint.to_string())],
        Key::Field(name) => facts
            .reading
            .certain_values(name)
            .map(|value| match value {
                Value::Text(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            })
            .collect(),
    }
}

/// The names of a company. One that has been removed is known by its id alone.
pub(super) fn company_words(
    company: Option<CompanyId>,
    ids: bool,
    configuration: &Configuration,
) -> Vec<Cow<'_, str>> {
    let Some(id) = company else {
        return vec![Cow::Borrowed(UNASSIGNED)];
    };
    let mut words = Vec::new();
    if let Some(company) = configuration.company(id) {
        words.push(Cow::Borrowed(company.name.as_str()));
        words.extend(
            company
                .aliases
                .iter()
                .map(|alias| Cow::Borrowed(&alias[..])),
        );
    }
    words.extend(ids.then(|| Cow::Owned(id.to_string())));
    words
}

/// What went nowhere is `unrouted`, and so is called by the reason too; what no rule took is `unmatched`.
pub(super) fn routing_words(routing: Routing) -> Vec<Cow<'static, str>> {
    match routing {
        Routing::Routed => vec![Cow::Borrowed("routed")],
        Routing::Unrouted(reason) => {
            let mut words = vec![Cow::Borrowed("unrouted"), Cow::Borrowed(reason.as_str())];
            words.extend(reason.is_unmatched().then_some(Cow::Borrowed("unmatched")));
            words
        }
    }
}

pub(super) fn ordered(key: &Key, order: Order, bound: &Bound, facts: &Facts<'_>) -> bool {
    match (key, bound) {
        (Key::Severity, Bound::Severity(bound)) => order.holds(facts.severity.cmp(bound)),
        (Key::ReceivedAt, Bound::Time(bound)) => order.holds(facts.received_at.cmp(bound)),
        (Key::OccurredAt, Bound::Time(bound)) => {
            let at = facts.occurred_at;
            at.is_some_and(|at| order.holds(at.cmp(bound)))
        }
        (Key::Field(name), Bound::Number(bound)) => facts
            .reading
            .certain_values(name)
            .filter_map(|value| value.to_string().parse::<f64>().ok())
            .any(|value| {
                value
                    .partial_cmp(bound)
                    .is_some_and(|ordering| order.holds(ordering))
            }),
        _ => false,
    }
}

//! What a replay is asked for, from the URL or from a form, as the API's form has it.

use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use crate::api::replay::create::ReplayForm;
use crate::console::form;
use crate::console::job::asked::{EVENTS, figure};
use crate::console::text::visible;
use crate::problem::Problem;

/// The keys of a list of deliveries, but for their ids.
const DELIVERIES: [&str; 15] = [
    "status",
    "integration",
    "company",
    "event",
    "cause",
    "failing",
    "reason",
    "fault",
    "kind",
    "category",
    "text",
    "code",
    "took_millis",
    "since",
    "until",
];
/// Those that the form has a field for.
const FIELDS: [&str; 6] = [
    "status",
    "integration",
    "company",
    "cause",
    "since",
    "until",
];
/// What most replays are for.
const USUAL: &str = "dead";

#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Ids of deliveries; where there are any, nothing else names them.
    pub(super) ids: Vec<String>,
    keys: Vec<(String, String)>,
    /// Events that went nowhere, in the place of deliveries.
    pub(super) unrouted: bool,
    /// Another integration.
    pub(super) to: String,
    pub(super) rate: String,
    /// What was typed, so that nobody sends many by accident.
    pub(super) confirm: String,
    /// What is to come of it: the form, what it would do, or the job itself.
    pub(super) then: String,
}

impl Asked {
    /// From the fields of a form or the parameters of a URL. What it does not know is left out: pages add what is theirs.
    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut asked = Self::default();
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "id" => asked.ids.extend(value.split(',').map(str::to_owned)),
                "unrouted" => asked.unrouted = true,
                "to" => asked.to = value.to_owned(),
                "rate" => asked.rate = value.to_owned(),
                "confirm" => asked.confirm = value.to_owned(),
                "then" => asked.then = value.to_owned(),
                name => asked.keys.push((name.to_owned(), value.to_owned())),
            }
        }
        let known: &[&str] = match asked.unrouted {
            true => &EVENTS,
            false => &DELIVERIES,
        };
        asked
            .keys
            .retain(|(name, _)| known.contains(&name.as_str()));
        asked
    }

    /// The form as it is first shown.
    pub(super) fn usual(mut self) -> Self {
        if !self.names_anything() {
            let status = ("status".to_owned(), USUAL.to_owned());
            self.keys.push(status);
        }
        self
    }

    /// Whether it says what is to be sent.
    pub(super) fn names_anything(&self) -> bool {
        self.unrouted || !self.ids.is_empty() || !self.keys.is_empty()
    }

    /// A key of the query; one that is not there is empty.
    pub(super) fn key(&self, name: &str) -> &str {
        let found = self.keys.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }

    /// What the form keeps without a field for it.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        let keys = self.keys.iter();
        keys.map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| self.unrouted || !FIELDS.contains(name))
    }

    /// The same as it is shown.
    pub(super) fn others(&self) -> Vec<(&str, String)> {
        let kept = self.kept();
        kept.map(|(name, value)| (name, visible(value))).collect()
    }

    /// All that says what is sent where, for the form that begins it.
    pub(super) fn named(&self) -> Vec<(&str, &str)> {
        let ids = self.ids.iter().map(|id| ("id", id.as_str()));
        let keys = self.keys.iter().filter(|_| self.ids.is_empty());
        let keys = keys.map(|(name, value)| (name.as_str(), value.as_str()));
        let unrouted = self.unrouted.then_some(("unrouted", "1"));
        let to = Some(("to", self.to.as_str())).filter(|(_, to)| !to.is_empty());
        ids.chain(keys).chain(unrouted).chain(to).collect()
    }

    /// The form with all of it, to be changed.
    pub(super) fn changed(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.named());
        query.append_pair("then", "change");
        format!("/replays/new?{}", query.finish())
    }

    /// The list of what is meant.
    pub(super) fn list(&self) -> String {
        let mut query = Serializer::new(String::new());
        if self.ids.is_empty() {
            query.extend_pairs(&self.keys);
        } else {
            query.append_pair("id", &self.ids.join(","));
        }
        let path = if self.unrouted {
            "/events"
        } else {
            "/deliveries"
        };
        format!("{path}?{}", query.finish())
    }

    /// The form of the API.
    pub(super) fn form(&self) -> Result<ReplayForm, Problem> {
        let keys = self.keys.iter().filter(|_| self.ids.is_empty());
        let mut keys: Map<String, Value> = keys
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        if !self.ids.is_empty() {
            keys.insert("id".to_owned(), json!(self.ids.join(",")));
        }
        let place = if self.unrouted { "unrouted" } else { "filter" };
        let mut whole = Map::new();
        whole.insert(place.to_owned(), Value::Object(keys));
        if !self.to.is_empty() {
            whole.insert("to".to_owned(), json!(self.to));
        }
        if !self.rate.is_empty() {
            whole.insert("rate_per_second".to_owned(), figure(&self.rate));
        }
        form::read(&Value::Object(whole)).map(|form| form.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_kept_whole() {
        let pairs = [
            ("status", "dead"),
            ("reason", "gone"),
            ("severity", "high"),
            ("told", "saved"),
            ("to", "1"),
            ("cause", ""),
        ];
        let asked = Asked::of(pairs.into_iter());
        assert_eq!(asked.others(), [("reason", "gone".to_owned())]);
        let named = [("status", "dead"), ("reason", "gone"), ("to", "1")];
        assert_eq!(asked.named(), named);
        assert_eq!(asked.list(), "/deliveries?status=dead&reason=gone");
        assert!(asked.form().is_ok());
        let unrouted = Asked::of([("severity", "high"), ("unrouted", "1")].into_iter());
        assert_eq!(unrouted.list(), "/events?severity=high");
        let ids = Asked::of([("id", "1"), ("id", "2"), ("status", "dead")].into_iter());
        assert_eq!(ids.named(), [("id", "1"), ("id", "2")]);
        assert_eq!(ids.list(), "/deliveries?id=1%2C2");
    }

    #[test]
    fn a_form_that_names_nothing_is_about_what_died() {
        let usual = Asked::default().usual();
        assert_eq!(usual.key("status"), "dead");
        let asked = Asked::of([("cause", "tls")].into_iter()).usual();
        assert_eq!(asked.key("status"), "");
    }
}

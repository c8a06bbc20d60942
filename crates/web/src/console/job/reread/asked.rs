//! What a re-reading is asked for, from the URL or from a form, as the API's form has it.

use serde_json::{Map, Value, json};

use crate::api::reread::create::RereadForm;
use crate::console::form;
use crate::console::job::asked::{EVENTS, figure};
use crate::console::text::visible;
use crate::problem::Problem;

/// Those that the form has a field for.
const FIELDS: [&str; 4] = ["event", "match", "filter", "company"];

#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Ids of events; where there are any, nothing else names them.
    pub(super) ids: Vec<String>,
    keys: Vec<(String, String)>,
    pub(super) days: String,
    pub(super) rate: String,
    pub(super) route: bool,
    /// What is to come of it: the form, what it would do, or the job itself.
    pub(super) then: String,
}

impl Asked {
    /// From the fields of a form or the parameters of a URL. What it does not know is left out: pages add what is theirs.
    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut asked = Self::default();
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "id" => asked.ids.push(value.to_owned()),
                "days" => asked.days = value.to_owned(),
                "rate" => asked.rate = value.to_owned(),
                "route" => asked.route = true,
                "then" => asked.then = value.to_owned(),
                "preview" => asked.then = "preview".to_owned(),
                name if EVENTS.contains(&name) => {
                    asked.keys.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
        asked
    }

    /// A key of the query; one that is not there is empty.
    pub(super) fn key(&self, name: &str) -> &str {
        let found = self.keys.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }

    /// What the form keeps without a field for it, as it is shown.
    pub(super) fn others(&self) -> Vec<(&str, String)> {
        self.kept()
            .map(|(name, value)| (name, visible(value)))
            .collect()
    }

    /// The same as it goes on.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        let keys = self.keys.iter();
        keys.map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !FIELDS.contains(name))
    }

    /// Everything that names the events, for the form that begins it.
    pub(super) fn named(&self) -> Vec<(&str, &str)> {
        let ids = self.ids.iter().map(|id| ("id", id.as_str()));
        let keys = self.keys.iter();
        let keys = keys.map(|(name, value)| (name.as_str(), value.as_str()));
        let days = Some(("days", self.days.as_str())).filter(|(_, days)| !days.is_empty());
        ids.chain(keys).chain(days).collect()
    }

    /// The form of the API.
    pub(super) fn form(&self) -> Result<RereadForm, Problem> {
        let mut whole = Map::new();
        if self.ids.is_empty() {
            let keys = self.keys.iter();
            let keys: Map<String, Value> = keys
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            whole.insert("query".to_owned(), Value::Object(keys));
            if !self.days.is_empty() {
                whole.insert("days".to_owned(), figure(&self.days));
            }
        } else {
            whole.insert("events".to_owned(), json!(self.ids));
        }
        if !self.rate.is_empty() {
            whole.insert("rate_per_second".to_owned(), figure(&self.rate));
        }
        whole.insert("route".to_owned(), json!(self.route));
        form::read(&Value::Object(whole)).map(|form| form.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_kept_whole() {
        let pairs = [
            ("match", "none"),
            ("severity", "high"),
            ("days", "7"),
            ("told", "saved"),
            ("text", ""),
            ("preview", "1"),
        ];
        let asked = Asked::of(pairs.into_iter());
        assert_eq!(asked.then, "preview");
        assert_eq!(asked.key("match"), "none");
        assert_eq!(asked.others(), [("severity", "high".to_owned())]);
        let named = [("match", "none"), ("severity", "high"), ("days", "7")];
        assert_eq!(asked.named(), named);
        assert!(asked.form().is_ok());
    }

    #[test]
    fn the_api_says_what_is_wrong_with_a_figure() {
        let asked = Asked::of([("days", "x")].into_iter());
        let problem = asked.form().unwrap_err();
        let errors: Vec<_> = problem
            .errors()
            .map(|(place, _)| place.to_owned())
            .collect();
        assert_eq!(errors, ["/days"]);
    }
}

//! URLs hold all state of a list, so that they can be shared: filters, the company, the page.

use std::borrow::Cow;

use url::form_urlencoded::Serializer;

/// The parameters of a list that are set, in the order in which its form has them.
#[derive(Debug, Clone)]
pub(super) struct State {
    path: Cow<'static, str>,
    set: Vec<(&'static str, String)>,
}

/// A link above a list: a saved view.
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) path: String,
    pub(super) word: &'static str,
    pub(super) is_here: bool,
}

/// Where a list can be had as a file.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) csv: String,
    pub(super) jsonl: String,
}

/// A filter that is set.
#[derive(Debug)]
pub(super) struct Chip {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// The list without it.
    pub(super) without: String,
}

impl State {
    pub(super) fn new(
        path: impl Into<Cow<'static, str>>,
        all: &[(&'static str, Option<&str>)],
    ) -> Self {
        let set = all
            .iter()
            .filter_map(|(name, value)| Some((*name, value.filter(|value| !value.is_empty())?)));
        Self {
            path: path.into(),
            set: set.map(|(name, value)| (name, value.to_owned())).collect(),
        }
    }

    /// Whether anything narrows the list; the company alone does not count, for the frame shows it.
    pub(super) fn is_narrowed(&self) -> bool {
        self.set
            .iter()
            .any(|(name, _)| !["company", "limit"].contains(name))
    }

    /// What is set, but for what the frame shows and how long a page is.
    pub(super) fn narrowing(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let set = self.set.iter();
        set.map(|(name, value)| (*name, value.as_str()))
            .filter(|(name, _)| !["company", "limit"].contains(name))
    }

    /// The list with one filter less.
    pub(super) fn without(&self, name: &str) -> String {
        let left = self.set.iter().filter(|(own, _)| *own != name);
        written(&self.path, left)
    }

    /// Another page that means what this list does: its filters and its company.
    pub(super) fn elsewhere(&self, path: &str) -> String {
        let meant = self.set.iter().filter(|(name, _)| *name != "limit");
        written(path, meant)
    }

    /// The same with one parameter more.
    pub(super) fn elsewhere_with(&self, path: &str, name: &'static str, value: &str) -> String {
        let more = (name, value.to_owned());
        let meant = self.set.iter().filter(|(name, _)| *name != "limit");
        written(path, meant.chain([&more]))
    }

    /// All that the list means as files, by this path of the API.
    pub(super) fn files(&self, path: &str) -> Files {
        let file = |format| self.elsewhere_with(path, "format", format);
        Files {
            csv: file("csv"),
            jsonl: file("jsonl"),
        }
    }

    /// The list without its filters.
    pub(super) fn cleared(&self) -> String {
        let company = self.set.iter().find(|(name, _)| *name == "company");
        with_company(&self.path, company.map_or("", |(_, company)| company))
    }

    /// The list from its beginning.
    pub(super) fn newest(&self) -> String {
        self.at(None)
    }

    /// The page after a cursor.
    pub(super) fn next(&self, cursor: &str) -> String {
        self.at(Some(cursor))
    }

    fn at(&self, cursor: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.set);
        query.extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
        joined(&self.path, &query.finish())
    }
}

fn written<'a>(path: &str, pairs: impl Iterator<Item = &'a (&'static str, String)>) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(pairs);
    joined(path, &query.finish())
}

/// A path with the company that is looked at; empty is Global.
pub(super) fn with_company(path: &str, company: &str) -> String {
    let mut query = Serializer::new(String::new());
    if !company.is_empty() {
        query.append_pair("company", company);
    }
    joined(path, &query.finish())
}

fn joined(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_holds_what_is_set() {
        let all = [
            ("severity", Some("high")),
            ("text", Some("a b&c")),
            ("event", Some("")),
            ("source", None),
            ("company", Some("Acme")),
        ];
        let state = State::new("/events", &all);
        assert!(state.is_narrowed());
        assert_eq!(
            state.next("c1"),
            "/events?severity=high&text=a+b%26c&company=Acme&cursor=c1"
        );
        assert_eq!(state.cleared(), "/events?company=Acme");
        assert_eq!(state.without("text"), "/events?severity=high&company=Acme");
        assert_eq!(
            state.elsewhere_with("/x", "live", "1"),
            "/x?severity=high&text=a+b%26c&company=Acme&live=1"
        );
        let narrowing: Vec<_> = state.narrowing().map(|(name, _)| name).collect();
        assert_eq!(narrowing, ["severity", "text"]);
        assert!(!State::new("/events", &all[4..]).is_narrowed());
        assert_eq!(State::new("/events", &[]).newest(), "/events");
    }
}

//! The query string: every parameter is a text first, so that each error names its parameter.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use connectors::FieldError;
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::json::query_rule;
use crate::App;
use crate::problem::Problem;

/// Name of the parameter by which a page says what was done.
pub(crate) const TOLD: &str = "told";

/// A query that holds known parameters alone.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        read(&of_page(&parts.uri)).map(Self)
    }
}

/// The parameters of a page that are its own, and those of the API's list that it shows.
#[derive(Debug)]
pub(crate) struct ListQuery<T> {
    pub(crate) own: HashMap<String, String>,
    pub(crate) list: T,
}

impl<T: DeserializeOwned> ListQuery<T> {
    /// Parts the ones from the others; a parameter that is neither is a broken rule.
    pub(crate) fn read(uri: &Uri, own: &[&str]) -> Result<Self, Problem> {
        let pages = Pages::read(uri, own);
        Ok(Self {
            list: pages.page(&[])?,
            own: pages.own,
        })
    }

    /// A parameter of the page's own; one that is not there is empty.
    pub(crate) fn own(&self, name: &str) -> &str {
        self.own.get(name).map_or("", String::as_str)
    }
}

/// The parameters of a file, and those of the API's list that it is of, which is asked for page after page.
#[derive(Debug)]
pub(crate) struct Pages {
    own: HashMap<String, String>,
    list: Vec<(String, String)>,
}

impl Pages {
    /// Parts the file's own parameters from the list's.
    pub(crate) fn read(uri: &Uri, own: &[&str]) -> Self {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
        let (own, list): (Vec<_>, Vec<_>) =
            pairs.partition(|(name, _)| own.contains(&name.as_str()));
        Self {
            own: own.into_iter().collect(),
            list,
        }
    }

    /// A parameter of the file's own; one that is not there is empty.
    pub(crate) fn own(&self, name: &str) -> &str {
        self.own.get(name).map_or("", String::as_str)
    }

    /// The list's query, with what says which page. What the list does not know is a broken rule.
    pub(crate) fn page<T: DeserializeOwned>(&self, more: &[(&str, &str)]) -> Result<T, Problem> {
        let mut query = form_urlencoded::Serializer::for_suffix("/?".to_owned(), 2);
        query.extend_pairs(&self.list).extend_pairs(more);
        let uri = query
            .finish()
            .parse::<Uri>()
            .map_err(|_| Problem::field("", "is too long"))?;
        read(&uri)
    }
}

fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    match axum::extract::Query::<T>::try_from_uri(uri) {
        Ok(axum::extract::Query(query)) => Ok(query),
        Err(error) => Err(Problem::invalid(vec![query_rule(&error.body_text())])),
    }
}

/// What a page tells of the form that led to it is the frame's, and no parameter of what the page shows.
fn of_page(uri: &Uri) -> Cow<'_, Uri> {
    let query = uri.query().unwrap_or_default();
    if !query.contains(TOLD) || uri.path().starts_with("/api/") {
        return Cow::Borrowed(uri);
    }
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != TOLD);
    let rest = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let path = format!("{}?{rest}", uri.path());
    path.parse().map_or(Cow::Borrowed(uri), Cow::Owned)
}

/// Turns the texts of a query into types and gathers what is wrong.
#[derive(Debug)]
pub(crate) struct Params {
    /// What stands before a parameter's name in an error.
    place: &'static str,
    errors: Vec<FieldError>,
}

impl Default for Params {
    fn default() -> Self {
        Self::at("?")
    }
}

impl Params {
    /// The same texts, where they stand in a body.
    pub(crate) fn at(place: &'static str) -> Self {
        Self {
            place,
            errors: Vec::new(),
        }
    }

    pub(crate) fn error(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError {
            pointer: format!("{}{name}", self.place),
            detail: detail.into(),
        });
    }

    /// An empty parameter is one that is not there, as an empty input of a search form sends it.
    pub(crate) fn read<T>(&mut self, name: &str, text: Option<&str>) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.with(name, text, |text| {
            text.parse::<T>().map_err(|error| error.to_string())
        })
    }

    pub(crate) fn with<T>(
        &mut self,
        name: &str,
        text: Option<&str>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = text.filter(|text| !text.is_empty())?;
        match read(text) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.error(name, detail);
                None
            }
        }
    }

    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}

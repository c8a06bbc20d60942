//! The form of a page, as a browser posts it.

use axum::extract::{FromRequest, Request};
use domain::Secret;
use url::form_urlencoded;

use super::form::media_type;
use super::{body, session};
use crate::App;
use crate::problem::Problem;

/// Largest form of a page: thousands of ticked companies, or a pasted catalogue file.
const BYTES: usize = 512 * 1024;
/// Most fields of one. More is refused, never cut: what is not ticked would be taken away.
const FIELDS: usize = 8_192;

/// The fields of a form that a page of this server sent, in its order.
#[derive(Debug)]
pub(crate) struct Posted(Vec<(String, Secret<String>)>);

impl Posted {
    /// Fields that were read otherwise than from a body of their own.
    pub(super) fn of(fields: Vec<(String, Secret<String>)>) -> Self {
        Self(fields)
    }

    /// A field; one that is not there is empty. Of several with one name it is the last.
    pub(crate) fn text(&self, name: &str) -> &str {
        let last = self.0.iter().rfind(|(own, _)| own == name);
        last.map_or("", |(_, value)| value.reveal().as_str())
    }

    /// Every value of a field that may be there several times, such as ticked boxes.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(own, _)| own == name);
        named.map(|(_, value)| value.reveal().as_str())
    }

    /// Every field with its value, in the order of the form.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (name.as_str(), value.reveal().as_str()))
    }

    /// Whether a field is there at all: a ticked box, the button that was pressed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// A field that nobody should see.
    pub(crate) fn secret(&self, name: &str) -> Secret<String> {
        Secret::new(self.text(name).to_owned())
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        session::expect_own_page(&parts)?;
        if media_type(&parts.headers) != "application/x-www-form-urlencoded" {
            return Err(Problem::unsupported("send the form of the page"));
        }
        let body = body::whole(body, BYTES).await?;
        let fields = form_urlencoded::parse(&body).take(FIELDS + 1);
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned())))
            .collect();
        if fields.len() > FIELDS {
            let detail = format!("a form may have at most {FIELDS} fields");
            return Err(Problem::field("", detail));
        }
        Ok(Self(fields))
    }
}

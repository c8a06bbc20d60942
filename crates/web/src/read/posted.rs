//! The form of a page, as a browser posts it.

use std::collections::HashMap;

use axum::extract::{FromRequest, Request};
use domain::Secret;
use url::form_urlencoded;

use super::form::media_type;
use super::{body, session};
use crate::App;
use crate::problem::Problem;

/// Largest form of a page.
const BYTES: usize = 64 * 1024;
/// Most fields of one.
const FIELDS: usize = 256;

/// The fields of a form that a page of this server sent.
#[derive(Debug)]
pub(crate) struct Posted(HashMap<String, Secret<String>>);

impl Posted {
    /// A field; one that is not there is empty.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.reveal().as_str())
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
        let fields = form_urlencoded::parse(&body).take(FIELDS);
        Ok(Self(
            fields
                .map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned())))
                .collect(),
        ))
    }
}

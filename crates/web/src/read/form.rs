//! A JSON body as a form.

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{body, json};
use crate::App;
use crate::problem::Problem;

/// A body that was read as a form of this type.
#[derive(Debug)]
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let body = body::whole(request.into_body(), app.settings().form_bytes).await?;
        json::parse(&body).map(Self)
    }
}

/// Of a patch, where `null` takes something away: none is a key that is not named, `Some(None)` is `null`.
pub(crate) fn or_null<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// What the `content-type` says, in lower case and without its parameters; empty when it is not there.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// A browser's form cannot send this type unasked, which is half of the defence against forged requests.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = media_type(headers);
    if media_type.is_empty() || media_type == "application/json" || media_type.ends_with("+json") {
        return Ok(());
    }
    Err(Problem::unsupported(
        "send JSON with `content-type: application/json`",
    ))
}

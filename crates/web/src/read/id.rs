//! Ids of the path. A text that is no id names nothing: 404, as for an id that is not there.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::App;
use crate::problem::Problem;

/// The only id of a path.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

/// The two ids of a path.
#[derive(Debug)]
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

impl<T: FromStr> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        path.ok()
            .and_then(|Path(text)| text.parse().ok())
            .map(Self)
            .ok_or_else(|| Problem::not_found("thing"))
    }
}

impl<A: FromStr, B: FromStr> FromRequestParts<App> for Ids<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        path.ok()
            .and_then(|Path((one, other))| Some(Self(one.parse().ok()?, other.parse().ok()?)))
            .ok_or_else(|| Problem::not_found("thing"))
    }
}

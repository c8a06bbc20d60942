//! Ids of the path. A text that is no id names nothing: 404, as for an id that is not there.

use std::fmt;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use domain::CompanyId;
use domain::mapping::MappedTo;
use http::request::Parts;

use crate::App;
use crate::problem::Problem;

/// The only id of a path.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

/// The two ids of a path.
#[derive(Debug)]
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

/// Whom a mapping is for, as paths and cursors write it: a company's id, or `all`. In lists that of all comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mapped {
    Company(CompanyId),
    All,
}

impl From<MappedTo> for Mapped {
    fn from(company: MappedTo) -> Self {
        match company {
            MappedTo::Company(id) => Self::Company(id),
            MappedTo::All => Self::All,
        }
    }
}

impl From<Mapped> for MappedTo {
    fn from(mapped: Mapped) -> Self {
        match mapped {
            Mapped::Company(id) => Self::Company(id),
            Mapped::All => Self::All,
        }
    }
}

impl FromStr for Mapped {
    type Err = <CompanyId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            id => id.parse().map(Self::Company),
        }
    }
}

impl fmt::Display for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Company(id) => id.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

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

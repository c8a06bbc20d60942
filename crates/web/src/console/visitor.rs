//! Whoever looks at a page.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use domain::access::Role;
use http::Method;
use http::request::Parts;
use url::form_urlencoded;

use super::page::see;
use super::told::{self, Told};
use crate::App;
use crate::problem::Problem;
use crate::read::session::{self, form_token};
use crate::read::{Admin, Caller, Operator, Posted, Viewer};

/// Somebody who is signed in. Whoever is not goes to sign in, and comes back.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// What every form of theirs holds.
    pub(crate) form_token: String,
    /// What came of the form that led here.
    pub(crate) told: Option<Told>,
}

impl Visitor {
    /// A form that was posted is one of theirs, and they may do what it asks.
    pub(crate) fn expect(&self, posted: &Posted, least: Role) -> Result<(), Problem> {
        if posted.text("form_token") != self.form_token {
            return Err(Problem::cross_site());
        }
        self.caller.expect_role(least)
    }

    /// Whoever posted the form may read, as the API's handlers want to have it.
    pub(crate) fn viewer(&self, posted: &Posted) -> Result<Viewer, Problem> {
        self.expect(posted, Role::Viewer)?;
        Ok(Viewer(self.caller.clone()))
    }

    /// Whoever posted the form may send, retry and replay.
    pub(crate) fn operator(&self, posted: &Posted) -> Result<Operator, Problem> {
        self.expect(posted, Role::Operator)?;
        Ok(Operator(self.caller.clone()))
    }

    /// Whoever posted the form may change the configuration.
    pub(crate) fn admin(&self, posted: &Posted) -> Result<Admin, Problem> {
        self.expect(posted, Role::Viewer)?;
        Admin::new(self.caller.clone())
    }
}

/// To the sign-in, or why nobody knows who this is.
#[derive(Debug)]
pub(crate) enum Stranger {
    SignsIn(String),
    Unknown(Problem),
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Stranger;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Stranger> {
        let found = session::find(&parts.headers, app).await;
        let Some((caller, session)) = found.map_err(Stranger::Unknown)? else {
            return Err(Stranger::SignsIn(sign_in_path(parts)));
        };
        Ok(Self {
            form_token: form_token(app, &session),
            told: told::of(&parts.uri),
            caller,
        })
    }
}

/// Where to sign in, with the page that was asked for behind it. What a form posted is not sent again.
fn sign_in_path(parts: &Parts) -> String {
    let asked = parts.uri.path_and_query();
    let asked = asked.map_or("/", http::uri::PathAndQuery::as_str);
    if parts.method != Method::GET || asked == "/" {
        return "/sign-in".to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", asked)
        .finish();
    format!("/sign-in?{query}")
}

impl IntoResponse for Stranger {
    fn into_response(self) -> Response {
        match self {
            Self::SignsIn(path) => see(&path),
            Self::Unknown(problem) => problem.into_response(),
        }
    }
}

impl From<Problem> for Stranger {
    fn from(problem: Problem) -> Self {
        Self::Unknown(problem)
    }
}

//! The steps that come after the credentials: whose integration their pages are about, and how they are asked for.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use delivery::Gate;
use domain::IntegrationId;
use domain::company::name_key;
use domain::integration::Integration;
use http::request::Parts;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::StoreError;

use super::tabs::{self, Tab, Tabs};
use crate::App;
use crate::console::page::see_told;
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::visitor::Stranger;
use crate::console::{Frame, Here, Visitor};
use crate::hex::hex;
use crate::problem::Problem;

/// An integration whose credentials are authenticated, and whoever looks at a step of it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) visitor: Visitor,
    pub(super) integration: Arc<Integration>,
    gate: Gate,
}

impl Step {
    pub(super) fn tabs(&self, here: Tab) -> Tabs {
        Tabs::new(&self.integration, &self.gate, here)
    }

    pub(super) fn frame(&self, title: &str) -> Frame {
        let title = format!("{title} · {}", visible(&self.integration.name));
        Frame::new(&self.visitor, Here::Integrations, &title, None)
    }

    /// Where a step of this integration is.
    pub(super) fn path(&self, tab: Tab) -> String {
        let path = tabs::path(&self.integration.connector, self.integration.id);
        format!("{path}/{}", tab.segment())
    }

    /// Whether they may change it.
    pub(super) fn may_configure(&self) -> bool {
        self.visitor.caller.rules_all()
    }
}

/// Where somebody goes instead.
#[derive(Debug)]
pub(super) enum Elsewhere {
    SignIn(Stranger),
    Credentials(String),
    Nowhere(Problem),
}

impl FromRequestParts<App> for Step {
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Elsewhere> {
        let visitor = Visitor::from_request_parts(parts, app)
            .await
            .map_err(Elsewhere::SignIn)?;
        let (connector, id) = named(parts, app).await.map_err(Elsewhere::Nowhere)?;
        let (integration, gate) = tabs::find(app, &visitor, &connector, id)
            .await
            .map_err(Elsewhere::Nowhere)?;
        if integration.authenticated_at.is_none() {
            let path = tabs::path(&connector, id);
            let segment = Tab::Credentials.segment();
            return Err(Elsewhere::Credentials(format!("{path}/{segment}")));
        }
        Ok(Self {
            visitor,
            integration,
            gate,
        })
    }
}

/// Connector and id of a path that may go on behind them.
async fn named(parts: &mut Parts, app: &App) -> Result<(String, IntegrationId), Problem> {
    let unknown = || Problem::not_found("integration");
    let params = RawPathParams::from_request_parts(parts, app).await;
    let params = params.map_err(|_| unknown())?;
    let named = |wanted: &str| {
        let found = params.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value)
    };
    let connector = named("connector").ok_or_else(unknown)?.to_owned();
    let id = named("id").and_then(|text| text.parse().ok());
    Ok((connector, id.ok_or_else(unknown)?))
}

impl IntoResponse for Elsewhere {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(stranger) => stranger.into_response(),
            Self::Credentials(path) => see_told(&path, Told::NotAuthenticated),
            Self::Nowhere(problem) => problem.into_response(),
        }
    }
}

/// What a path names behind the integration, as `{of}`.
#[derive(Debug)]
pub(super) struct Of<T>(pub(super) T);

impl<T: FromStr> FromRequestParts<App> for Of<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        let params = params.map_err(|_| Problem::not_found("thing"))?;
        let found = params.iter().find(|(name, _)| *name == "of");
        found
            .and_then(|(_, value)| value.parse().ok())
            .map(Self)
            .ok_or_else(|| Problem::not_found("thing"))
    }
}

/// Tells two states of a thing apart: a form holds that of the thing it was made of, so that nobody overwrites unseen what
/// somebody else has saved meanwhile.
pub(super) fn mark(thing: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_vec(thing)
        .map_err(|error| Problem::internal(format!("a mark cannot be made: {error}")))?;
    Ok(hex(&Sha256::digest(text)[..8]))
}

/// What is said when it was.
pub(super) fn changed_meanwhile(what: &str) -> Problem {
    Problem::wrong_state(format!(
        "this {what} was changed by somebody else since you opened it; save again to put yours in its place, \
         or open it again to see theirs"
    ))
}

/// The store refuses a name that is taken; a question that is asked before saving is not asked in vain.
pub(super) fn expect_free<'a>(
    what: &'static str,
    name: &str,
    mut others: impl Iterator<Item = &'a str>,
) -> Result<(), Problem> {
    let key = name_key(name);
    if others.any(|other| name_key(other) == key) {
        let name = name.to_owned();
        return Err(StoreError::NameTaken { what, name }.into());
    }
    Ok(())
}

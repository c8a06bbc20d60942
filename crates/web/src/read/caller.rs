//! Who calls: the API key and its role, by extractor types, so that a handler's signature says who may call it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::access::{Actor, ApiKey, Role, Scope};
use domain::configuration::Configuration;
use domain::{CompanyId, KeyId};
use http::header;
use http::request::Parts;

use crate::App;
use crate::problem::Problem;

/// A caller whose key was found good, and the configuration it was found in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    key: Arc<ApiKey>,
    pub(crate) configuration: Arc<Configuration>,
}

/// May read.
#[derive(Debug)]
pub(crate) struct Viewer(pub(crate) Caller);

/// May read, send events and retry deliveries.
#[derive(Debug)]
pub(crate) struct Operator(pub(crate) Caller);

/// May change the configuration. It holds for all companies, so the key must be for all of them.
#[derive(Debug)]
pub(crate) struct Admin(pub(crate) Caller);

impl Caller {
    /// The companies that every read is narrowed to.
    pub(crate) fn scope(&self) -> &Scope {
        &self.key.scope
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.key.id
    }

    pub(crate) fn sees_all(&self) -> bool {
        self.key.scope == Scope::All
    }

    pub(crate) fn sees(&self, company: CompanyId) -> bool {
        self.key.scope.admits(Some(company))
    }

    /// The same caller before another configuration, such as one that is only planned.
    pub(crate) fn before(&self, configuration: Arc<Configuration>) -> Self {
        Self {
            key: Arc::clone(&self.key),
            configuration,
        }
    }

    /// Who a change is put down to.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Key {
            id: self.key.id,
            name: self.key.name.clone(),
        }
    }

    async fn of(parts: &Parts, app: &App, least: Role) -> Result<Self, Problem> {
        let Some((key, configuration)) = find(parts, app).await? else {
            let detail = "send a good API key: `Authorization: Bearer KEY`";
            return Err(Problem::unauthorized(
                Some("Bearer realm=\"alertwire\""),
                detail,
            ));
        };
        if key.role < least {
            let detail = format!(
                "this takes the role {}, the key has the role {}",
                least.as_str(),
                key.role.as_str()
            );
            return Err(Problem::forbidden(detail));
        }
        if let Err(error) = app.store().touch_key(key.id, app.now()).await {
            // When a key was last used is for people to look at; no call fails for it.
            tracing::debug!(%error, "could not note the use of an API key");
        }
        Ok(Self { key, configuration })
    }
}

/// The key, and the configuration it was found in. A key that is not known yet may have been made by another process.
async fn find(
    parts: &Parts,
    app: &App,
) -> Result<Option<(Arc<ApiKey>, Arc<Configuration>)>, Problem> {
    let Some(key) = bearer(parts) else {
        return Ok(None);
    };
    let digest = receive::key_digest(app.store(), key);
    let mut configuration = app.store().configuration().await?;
    if configuration.key(&digest).is_none() {
        configuration = app.store().newest_configuration().await?;
    }
    let key = configuration.key(&digest).cloned();
    Ok(key.map(|key| (key, configuration)))
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, key) = parts
        .headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::of(parts, app, Role::Viewer).await.map(Self)
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::of(parts, app, Role::Operator).await.map(Self)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::of(parts, app, Role::Admin).await?;
        if !caller.sees_all() {
            return Err(Problem::forbidden(
                "this key is limited to some companies; this takes one for all companies",
            ));
        }
        Ok(Self(caller))
    }
}

//! Who calls: the API key or the session, and its role, by extractor types, so that a handler's signature says who may call it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::access::{Actor, ApiKey, Role, Scope};
use domain::configuration::Configuration;
use domain::user::User;
use domain::{CompanyId, UserId};
use http::header::{self, HeaderMap};
use http::request::Parts;

use super::session;
use crate::App;
use crate::problem::Problem;

/// A caller whose key or session was found good, and the configuration it was found in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    who: Who,
    pub(crate) configuration: Arc<Configuration>,
}

/// A program by its key, or a person by their session.
#[derive(Debug, Clone)]
enum Who {
    Key(Arc<ApiKey>),
    User(Arc<User>),
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
    /// Somebody whose session was found good.
    pub(crate) fn signed_in(user: Arc<User>, configuration: Arc<Configuration>) -> Self {
        Self {
            who: Who::User(user),
            configuration,
        }
    }

    /// The companies that every read is narrowed to.
    pub(crate) fn scope(&self) -> &Scope {
        match &self.who {
            Who::Key(key) => &key.scope,
            Who::User(user) => &user.scope,
        }
    }

    pub(crate) fn role(&self) -> Role {
        match &self.who {
            Who::Key(key) => key.role,
            Who::User(user) => user.role,
        }
    }

    /// Tells callers apart, keys and users alike.
    pub(crate) fn id(&self) -> [u8; 16] {
        match &self.who {
            Who::Key(key) => key.id.to_bytes(),
            Who::User(user) => user.id.to_bytes(),
        }
    }

    /// The same as the API prints it.
    pub(crate) fn id_text(&self) -> String {
        match &self.who {
            Who::Key(key) => key.id.to_string(),
            Who::User(user) => user.id.to_string(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.who {
            Who::Key(key) => &key.name,
            Who::User(user) => &user.name,
        }
    }

    /// The user who calls, when it is one.
    pub(crate) fn user(&self) -> Option<UserId> {
        match &self.who {
            Who::Key(_) => None,
            Who::User(user) => Some(user.id),
        }
    }

    /// Whether they may change the configuration: it holds for all companies, so they must see all of them.
    pub(crate) fn rules_all(&self) -> bool {
        self.role() == Role::Admin && self.sees_all()
    }

    pub(crate) fn sees_all(&self) -> bool {
        *self.scope() == Scope::All
    }

    pub(crate) fn sees(&self, company: CompanyId) -> bool {
        self.scope().admits(Some(company))
    }

    /// The same caller before another configuration, such as one that is only planned.
    pub(crate) fn before(&self, configuration: Arc<Configuration>) -> Self {
        Self {
            who: self.who.clone(),
            configuration,
        }
    }

    /// Who a change is put down to.
    pub(crate) fn actor(&self) -> Actor {
        match &self.who {
            Who::Key(key) => Actor::Key {
                id: key.id,
                name: key.name.clone(),
            },
            Who::User(user) => Actor::User {
                id: user.id,
                name: user.name.clone(),
            },
        }
    }

    /// Whoever these headers prove, as things are now. An answer that goes on for long asks again: keys are removed, sessions
    /// end, and roles and companies of users change meanwhile.
    pub(crate) async fn proved(headers: &HeaderMap, app: &App) -> Result<Option<Self>, Problem> {
        if headers.contains_key(header::AUTHORIZATION) {
            by_key(headers, app).await
        } else {
            session::caller(headers, app).await
        }
    }

    async fn of(parts: &Parts, app: &App, least: Role) -> Result<Self, Problem> {
        let caller = Self::proved(&parts.headers, app).await?;
        let by_session = caller
            .as_ref()
            .is_some_and(|caller| caller.user().is_some());
        if by_session && !parts.method.is_safe() {
            session::expect_own_page(parts)?;
        }
        let Some(caller) = caller else {
            let detail = "send a good API key: `Authorization: Bearer KEY`";
            return Err(Problem::unauthorized(
                Some("Bearer realm=\"alertwire\""),
                detail,
            ));
        };
        caller.expect_role(least)?;
        Ok(caller)
    }

    pub(crate) fn expect_role(&self, least: Role) -> Result<(), Problem> {
        if self.role() >= least {
            return Ok(());
        }
        let who = match self.who {
            Who::Key(_) => "the key has",
            Who::User(_) => "you have",
        };
        Err(Problem::forbidden(format!(
            "this takes the role {}, {who} the role {}",
            least.as_str(),
            self.role().as_str()
        )))
    }
}

impl Admin {
    /// A caller who may change the configuration.
    pub(crate) fn new(caller: Caller) -> Result<Self, Problem> {
        caller.expect_role(Role::Admin)?;
        if !caller.sees_all() {
            return Err(Problem::forbidden(
                "this key or user is limited to some companies; this takes one for all companies",
            ));
        }
        Ok(Self(caller))
    }
}

async fn by_key(headers: &HeaderMap, app: &App) -> Result<Option<Caller>, Problem> {
    let Some((key, configuration)) = find(headers, app).await? else {
        return Ok(None);
    };
    if let Err(error) = app.store().touch_key(key.id, app.now()).await {
        // When a key was last used is for people to look at; no call fails for it.
        tracing::debug!(%error, "could not note the use of an API key");
    }
    let who = Who::Key(key);
    Ok(Some(Caller { who, configuration }))
}

/// The key, and the configuration it was found in. A key that is not known yet may have been made by another process.
async fn find(
    headers: &HeaderMap,
    app: &App,
) -> Result<Option<(Arc<ApiKey>, Arc<Configuration>)>, Problem> {
    let Some(key) = bearer(headers) else {
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

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers
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
        Self::new(Caller::of(parts, app, Role::Admin).await?)
    }
}

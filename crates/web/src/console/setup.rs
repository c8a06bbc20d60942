//! The first user: made once, by whoever holds the token that the first start told.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::access::{Actor, ApiKey, Role, SETUP_KEY, Scope};
use domain::company::parse_name;
use domain::configuration::Configuration;
use domain::user::{PASSWORD_CHARS, Password, User};
use domain::{Secret, UserId};
use http::StatusCode;
use serde::Deserialize;
use store::{Change, StoreError};

use super::assets::{self, Assets};
use super::page::{page_with, see_with_cookie};
use super::sign_in::Way;
use super::{Page, page};
use crate::App;
use crate::door;
use crate::problem::Problem;
use crate::read::{Client, Posted, Query};

#[derive(Debug, Template)]
#[template(path = "setup.html")]
pub(super) struct SetupPage {
    assets: &'static Assets,
    token: String,
    name: String,
    least: usize,
    errors: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SetupQuery {
    token: Option<String>,
}

pub(crate) async fn show(app: State<App>, _: Way, Query(query): Query<SetupQuery>) -> Page {
    let token = query.token.unwrap_or_default();
    expect_token(&app, &token).await?;
    page(&SetupPage::new(token, String::new(), Vec::new()))
}

/// Makes the first user and ends the token, or neither; then they are signed in.
pub(crate) async fn set_up(
    app: State<App>,
    Way(cookie): Way,
    Client(address): Client,
    posted: Posted,
) -> Page {
    let token = posted.text("token").to_owned();
    let (key, configuration) = expect_token(&app, &token).await?;
    let password = posted.secret("password");
    let (name, chosen) = match read(&posted) {
        Ok(read) => read,
        Err(errors) => {
            let name = posted.text("name").chars().take(200).collect();
            let view = SetupPage::new(token, name, errors);
            return page_with(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    let user = User {
        id: app.fresh(UserId::new),
        name: name.clone(),
        role: Role::Admin,
        scope: Scope::All,
        password: door::hash(&app, chosen).await?,
        enabled: true,
        created_at: app.now(),
    };
    let actor = Actor::Key {
        id: key.id,
        name: key.name.clone(),
    };
    let changes = vec![Change::RemoveKey(key.id), Change::InsertUser(user)];
    let made = app
        .store()
        .change_all_at(configuration.epoch, changes, &actor, app.now())
        .await;
    match made {
        Ok(_) => enter(&app, cookie, &name, password, address).await,
        // Somebody else was faster with the same token.
        Err(StoreError::NotFound { .. }) => Err(over()),
        Err(error) => Err(error.into()),
    }
}

async fn enter(
    app: &App,
    cookie: crate::settings::SessionCookie,
    name: &str,
    password: Secret<String>,
    address: IpAddr,
) -> Page {
    let token = door::sign_in(app, name, password, address).await?;
    see_with_cookie("/welcome", &cookie.written(token.reveal()))
}

/// Only while there is a token and nobody who could sign in. To be on the machine itself is not enough: so is every other
/// program on it, and every page in a browser there.
async fn expect_token(
    app: &App,
    token: &str,
) -> Result<(Arc<ApiKey>, Arc<Configuration>), Problem> {
    let configuration = app.store().newest_configuration().await?;
    let is_open = configuration.users().next().is_none()
        && configuration.keys().any(|key| key.name == SETUP_KEY);
    if !is_open {
        return Err(over());
    }
    let key = configuration.key(&receive::key_digest(app.store(), token));
    let key = key.filter(|key| key.name == SETUP_KEY).cloned();
    let key = key.ok_or_else(|| {
        Problem::forbidden("open the URL that the first start printed: it holds the set-up token")
    })?;
    Ok((key, configuration))
}

fn over() -> Problem {
    Problem::not_found("page: the set-up is done")
}

fn read(posted: &Posted) -> Result<(String, Password), Vec<String>> {
    let mut errors = Vec::new();
    let name = parse_name(posted.text("name"));
    let name = name.map_err(|error| errors.push(format!("Name: {error}")));
    let (password, again) = (posted.secret("password"), posted.secret("again"));
    if password != again {
        errors.push("Password: the two are not the same".to_owned());
    }
    let password = Password::parse(password, posted.text("name").trim());
    let password = password.map_err(|error| errors.push(format!("Password: {error}")));
    match (name, password) {
        (Ok(name), Ok(password)) if errors.is_empty() => Ok((name, password)),
        _ => Err(errors),
    }
}

impl SetupPage {
    fn new(token: String, name: String, errors: Vec<String>) -> Self {
        Self {
            assets: assets::all(),
            token,
            name,
            least: PASSWORD_CHARS,
            errors,
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><script>alert(1)</script>".to_owned();
        vec![
            Self::new("aw_1".to_owned(), String::new(), Vec::new()),
            Self::new(hostile.clone(), hostile, vec!["Name: <b>".to_owned()]),
        ]
    }
}

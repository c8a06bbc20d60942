//! The session of a request: its cookie, and whether a page of ours sent it.

use domain::session::Session;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use sha2::{Digest as _, Sha256};

use super::Caller;
use crate::App;
use crate::hex::hex;
use crate::problem::Problem;
use crate::settings::SessionCookie;

/// Longest cookie that is looked at; a token is 64 characters long.
const TOKEN: usize = 128;
/// Most cookies of one name that are looked at: a page of another port may have set some beside ours.
const TRIED: usize = 4;

/// What the script of a page asks for by itself says so: nobody used the session for it.
const REFRESH: &str = "alertwire-refresh";

/// Nobody asked for this: a script refreshes a page, or a browser opens a live stream again that was cut off.
fn is_by_itself(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT);
    headers.contains_key(REFRESH)
        || accepted.is_some_and(|accepted| accepted == "text/event-stream")
}

/// Somebody who is signed in, by the cookie of the request.
pub(crate) async fn caller(headers: &HeaderMap, app: &App) -> Result<Option<Caller>, Problem> {
    Ok(find(headers, app).await?.map(|(caller, _)| caller))
}

/// The same with their session. What is asked counts as a use of it.
pub(crate) async fn find(
    headers: &HeaderMap,
    app: &App,
) -> Result<Option<(Caller, Session)>, Problem> {
    let now = app.clock().now();
    for token in tokens(headers).take(TRIED) {
        let digest = digest(token);
        let Some(session) = app.store().session(digest).await? else {
            continue;
        };
        if !session.holds(now) {
            continue;
        }
        let mut configuration = app.store().configuration().await?;
        if configuration.user(session.user).is_none() {
            // Another process may have made the user.
            configuration = app.store().newest_configuration().await?;
        }
        // A session of somebody who may not have one is gone from the store already; this is for a node that lags.
        let user = configuration.user(session.user).cloned();
        let Some(user) = user.filter(|user| user.enabled) else {
            continue;
        };
        if session.is_worth_touching(now)
            && !is_by_itself(headers)
            && let Err(error) = app.store().touch_session(digest, now).await
        {
            tracing::debug!(%error, "could not note the use of a session");
        }
        return Ok(Some((Caller::signed_in(user, configuration), session)));
    }
    Ok(None)
}

/// What of these headers proves who sent them, for asking again later: that is no use of the session.
pub(crate) fn unused(headers: &HeaderMap) -> HeaderMap {
    let mut proof = HeaderMap::new();
    for name in [header::AUTHORIZATION, header::COOKIE] {
        for value in headers.get_all(&name) {
            proof.append(name.clone(), value.clone());
        }
    }
    proof.insert(REFRESH, HeaderValue::from_static("1"));
    proof
}

/// Ends the sessions that the cookies of a request name.
pub(crate) async fn end_sessions(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    for token in tokens(headers).take(TRIED) {
        app.store().end_session(digest(token)).await?;
    }
    Ok(())
}

/// What a token is known by.
pub(crate) fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// What a form of this session has to hold: another site cannot know it, for it is made with the key of this server.
pub(crate) fn form_token(app: &App, session: &Session) -> String {
    let token = app.store().keyed_digest("form", &session.digest);
    hex(&token[..16])
}

/// The tokens that the cookies of a request hold.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| SessionCookie::ALL.iter().any(|one| one.name() == *name))
        .map(|(_, token)| token)
        .filter(|token| !token.is_empty() && token.len() <= TOKEN)
}

/// A browser says whose page it sends a request for. One that does not say so at all at least says its origin with what
/// changes something (security.md I15).
pub(crate) fn expect_own_page(parts: &Parts) -> Result<(), Problem> {
    let header = |name: &str| Some(parts.headers.get(name)?.to_str().unwrap_or_default());
    let is_own = match header("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => {
            let origin = header("origin").and_then(|origin| origin.split_once("://"));
            origin.is_some_and(|(_, authority)| Some(authority) == host(parts))
        }
    };
    if is_own {
        Ok(())
    } else {
        Err(Problem::cross_site())
    }
}

/// The host that was asked, port included. HTTP/2 says it in the URI.
pub(crate) fn host(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(header::HOST);
    match header {
        Some(host) => host.to_str().ok(),
        None => parts.uri.authority().map(Authority::as_str),
    }
}

use axum::extract::State;
use domain::access::Role;
use http::HeaderMap;

use super::page::see_with_cookie;
use super::{Page, Visitor};
use crate::App;
use crate::read::Posted;
use crate::read::session::end_sessions;
use crate::settings::SessionCookie;

/// Ends the session, here and on the server.
pub(crate) async fn sign_out(
    app: State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    posted: Posted,
) -> Page {
    visitor.expect(&posted, Role::Viewer)?;
    end_sessions(&app, &headers).await?;
    let host = headers.get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let cookie = app.settings().cookie_for(host);
    let cookie = cookie.unwrap_or(SessionCookie::Loopback);
    see_with_cookie("/sign-in", &cookie.written(""))
}

use askama::Template;
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;

use super::assets::{self, Assets};
use super::page::{page_with, see, see_with_cookie};
use super::visitor::Stranger;
use super::{Page, Visitor, page};
use crate::App;
use crate::door;
use crate::problem::Problem;
use crate::read::session::{end_sessions, host};
use crate::read::{Client, Posted, Query};
use crate::settings::SessionCookie;

/// Longest path that is gone back to after the sign-in.
const NEXT: usize = 2_048;

#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    assets: &'static Assets,
    /// There is nobody yet who could sign in.
    nobody: bool,
    error: Option<String>,
    name: String,
    next: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignInQuery {
    next: Option<String>,
}

/// How the session's cookie goes to the host that was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way(pub(crate) SessionCookie);

impl FromRequestParts<App> for Way {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let cookie = host(parts).and_then(|host| app.settings().cookie_for(host));
        cookie.map(Self).ok_or_else(|| {
            Problem::forbidden(
                "people sign in over https, or on the machine itself; set tls.cert and tls.key, or public_url to the https address of the proxy",
            )
        })
    }
}

/// The form; whoever is signed in already goes on.
pub(crate) async fn show(
    app: State<App>,
    _: Way,
    visitor: Result<Visitor, Stranger>,
    Query(query): Query<SignInQuery>,
) -> Page {
    let next = own_path(&query.next.unwrap_or_default());
    if visitor.is_ok() {
        return Ok(see(&next));
    }
    page(&SignInPage {
        assets: assets::all(),
        nobody: app.store().configuration().await?.users().next().is_none(),
        error: None,
        name: String::new(),
        next,
    })
}

/// Begins a session. The cookie that the browser brought plays no part in it, so that nobody can fix it beforehand.
pub(crate) async fn sign_in(
    app: State<App>,
    Way(cookie): Way,
    Client(address): Client,
    headers: HeaderMap,
    posted: Posted,
) -> Page {
    let (name, next) = (posted.text("name"), own_path(posted.text("next")));
    let signed_in = door::sign_in(&app, name, posted.secret("password"), address).await;
    match signed_in {
        Ok(token) => {
            // Whoever signs in anew has done with the session before.
            end_sessions(&app, &headers).await?;
            see_with_cookie(&next, &cookie.written(token.reveal()))
        }
        Err(problem) if is_for_the_form(problem.status()) => {
            let view = SignInPage {
                assets: assets::all(),
                nobody: false,
                error: Some(problem.detail().to_owned()),
                name: name.chars().take(200).collect(),
                next,
            };
            let mut response = page_with(problem.status(), &view)?;
            response.headers_mut().extend(problem.headers().clone());
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

fn is_for_the_form(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS
    )
}

/// A path of this server, else the first page: a link must not lead elsewhere by way of the sign-in.
fn own_path(text: &str) -> String {
    let is_own = text.len() <= NEXT
        && text.starts_with('/')
        && !text.starts_with("//")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && text
            .parse::<Uri>()
            .is_ok_and(|uri| uri.authority().is_none());
    if is_own { text } else { "/" }.to_owned()
}

impl SignInPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |nobody, error: Option<&str>, name: &str| Self {
            assets: assets::all(),
            nobody,
            error: error.map(str::to_owned),
            name: name.to_owned(),
            next: "/events?text=a&b".to_owned(),
        };
        vec![
            page(false, None, ""),
            page(true, None, ""),
            page(
                false,
                Some("the name or the password is not right"),
                "\"><script>alert(1)</script>",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn the_sign_in_leads_nowhere_else() {
        for own in ["/", "/events?severity=high&text=a%20b", "/events/1"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "",
            "events",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nSet-Cookie: b=c",
            "/a b",
        ] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}

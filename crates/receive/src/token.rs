//! A source's own authentication URL: username and password in, bearer token out.
//!
//! Tokens are not stored: each carries its expiry and a keyed digest over source, expiry and the login's digest,
//! so that a rotated password ends its tokens.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::source::{Digest, PasswordAuthentication};
use domain::{SourceId, Timestamp};
use http::HeaderMap;
use serde::Deserialize;
use store::Store;
use subtle::ConstantTimeEq as _;

use crate::authenticate::{Refusal, is_listed, password_fits};
use crate::{Receiver, source_digest};

/// Longest login body that is looked at, in bytes.
const LOGIN_BYTES: usize = 16 * 1_024;

/// The answer of a source's authentication URL (RFC 6749, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub access_token: String,
    /// Seconds.
    pub expires_in: u64,
}

#[derive(Deserialize)]
struct Login {
    #[serde(alias = "client_id")]
    username: String,
    #[serde(alias = "client_secret")]
    password: String,
}

impl Receiver {
    /// Gives a token for JSON, form, Basic or `grant_type=client_credentials`.
    pub async fn token(
        &self,
        source: SourceId,
        headers: &HeaderMap,
        address: IpAddr,
        body: &[u8],
    ) -> Result<Token, Refusal> {
        let inner = &self.inner;
        let configuration = inner.store.configuration().await?;
        let source = configuration.source(source).ok_or(Refusal::NoSource)?;
        let login = source
            .authentication
            .login
            .as_ref()
            .ok_or(Refusal::NoSource)?;
        if !is_listed(source, address) {
            return Err(Refusal::Unauthorized { challenge: None });
        }
        let (username, password) = credentials(headers, body)?;
        let (digest, now) = (source_digest(&inner.store, &password), inner.clock.stamp());
        if !password_fits(login, &username, &digest, now) {
            return Err(Refusal::Unauthorized {
                challenge: Some("Basic realm=\"alertwire\""),
            });
        }
        let expires = now.after(inner.settings.token_lifetime);
        let access_token = make(&inner.store, source.id, expires, &digest);
        Ok(Token {
            access_token,
            expires_in: inner.settings.token_lifetime.as_secs(),
        })
    }
}

fn credentials(headers: &HeaderMap, body: &[u8]) -> Result<(String, String), Refusal> {
    if let Some((username, password)) = basic(headers) {
        return Ok((username, password));
    }
    if body.len() > LOGIN_BYTES {
        return Err(Refusal::Malformed(format!(
            "a login has at most {LOGIN_BYTES} bytes"
        )));
    }
    if let Ok(login) = serde_json::from_slice::<Login>(body) {
        return Ok((login.username, login.password));
    }
    let (mut username, mut password) = (None, None);
    for (key, value) in url::form_urlencoded::parse(body) {
        match key.as_ref() {
            "username" | "client_id" => username = Some(value.into_owned()),
            "password" | "client_secret" => password = Some(value.into_owned()),
            _ => {}
        }
    }
    username.zip(password).ok_or_else(|| {
        Refusal::Malformed(
            "send username and password as JSON, as a form, or by HTTP Basic".to_owned(),
        )
    })
}

/// Username and password of an `Authorization: Basic` header (RFC 7617).
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers
        .get(http::header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

fn seal(store: &Store, source: SourceId, expires: i64, digest: &Digest) -> [u8; 32] {
    let mut message = Vec::with_capacity(56);
    message.extend(source.to_bytes());
    message.extend(expires.to_be_bytes());
    message.extend(digest);
    store.keyed_digest("intake token", &message)
}

fn make(store: &Store, source: SourceId, expires: Timestamp, digest: &Digest) -> String {
    let mut token = Vec::with_capacity(40);
    token.extend(expires.micros().to_be_bytes());
    token.extend(seal(store, source, expires.micros(), digest));
    URL_SAFE_NO_PAD.encode(token)
}

/// Whether the bearer token was given out for this source and one of its live passwords, and is still good.
pub(crate) fn fits(
    store: &Store,
    source: SourceId,
    login: &PasswordAuthentication,
    headers: &HeaderMap,
    now: Timestamp,
) -> bool {
    let token = || {
        let (scheme, token) = headers
            .get(http::header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .split_once(' ')?;
        let token = if scheme.eq_ignore_ascii_case("bearer") {
            token.trim()
        } else {
            return None;
        };
        let bytes: [u8; 40] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        Some(bytes)
    };
    let Some(token) = token() else { return false };
    let (expires, said) = token.split_at(8);
    let expires = i64::from_be_bytes(expires.try_into().expect("eight bytes were split off"));
    let mut good = false;
    for digest in login.secret.live.at(now) {
        good |= bool::from(seal(store, source, expires, digest).as_slice().ct_eq(said));
    }
    good && Timestamp::from_micros(expires) > now
}

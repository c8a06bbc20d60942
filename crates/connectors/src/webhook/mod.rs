//! Webhook: one POST of the frozen alert, with whatever authenticates it beside it.
//!
//! One attempt is: the token (from the cache, or by a login), the request, and on 401 one login anew and the request again,
//! all under one deadline. A login that fails ends it before anything was sent.

mod login;
pub(crate) mod settings;
mod token;

use std::sync::Arc;
use std::time::Duration;

use delivery::{Cause, Outcome};
use domain::integration::{Fields, Secrets};
use domain::{Clock, Secret, Timestamp};
use egress::{Egress, Exchange, Identity, Request, Target, USER_AGENT};
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, SET_COOKIE, USER_AGENT as USER_AGENT_HEADER,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::credentials::FieldError;
use crate::outcome;
use crate::record::{Exchanged, Outgoing, Sent};
use crate::signature;
pub(crate) use login::Login;
use settings::Settings;
pub(crate) use token::{LoginFault, Stage};
use token::{Token, Tokens};

pub(crate) const NAME: &str = "webhook";
/// What stands where a secret was.
const HIDDEN: &str = "[hidden]";
/// Shorter secrets are not looked for in what a target says: they would blot out half of it.
const SHORTEST_SECRET: usize = 4;

static ID: HeaderName = HeaderName::from_static("webhook-id");
static TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
static SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A webhook that is ready to send.
#[derive(Debug)]
pub(crate) struct Webhook {
    egress: Egress,
    settings: Settings,
    tokens: Tokens,
}

impl Webhook {
    pub(crate) fn new(
        fields: &Fields,
        secrets: &Secrets,
        egress: Egress,
    ) -> Result<Self, Vec<FieldError>> {
        let settings = settings::settings(fields, secrets, &egress)?;
        Ok(Self {
            egress,
            settings,
            tokens: Tokens::default(),
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.settings.target
    }

    pub(crate) fn login(&self) -> Option<&Login> {
        self.settings.login.as_ref().map(|(login, _)| login)
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.settings.identity.as_ref()
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    /// One attempt.
    pub(crate) async fn send(&self, outgoing: &Outgoing, clock: &Clock) -> Sent {
        let begun = Instant::now();
        let deadline = begun + outgoing.timeout;
        let mut record = Exchanged::begin(clock.stamp());
        let outcome = self.attempt(outgoing, clock, deadline, &mut record).await;
        record.duration = begun.elapsed();
        Sent { outcome, record }
    }

    async fn attempt(
        &self,
        outgoing: &Outgoing,
        clock: &Clock,
        deadline: Instant,
        record: &mut Exchanged,
    ) -> Outcome {
        let token = match self.token(clock, deadline).await {
            Ok(token) => token,
            Err(fault) => return held(fault, record),
        };
        let outcome = self
            .exchange(outgoing, token.as_deref(), clock, deadline, record)
            .await;
        let refused = matches!(
            &outcome,
            Outcome::Failed {
                cause: Cause::Status(401),
                ..
            }
        );
        let Some(token) = token.filter(|_| refused) else {
            return outcome;
        };
        self.tokens.discard(&token);
        match self.token(clock, deadline).await {
            Ok(token) => {
                self.exchange(outgoing, token.as_deref(), clock, deadline, record)
                    .await
            }
            Err(fault) => held(fault, record),
        }
    }

    /// The token that the next request needs; none when there is no login.
    async fn token(
        &self,
        clock: &Clock,
        deadline: Instant,
    ) -> Result<Option<Arc<Token>>, LoginFault> {
        if self.settings.login.is_none() {
            return Ok(None);
        }
        let fetch = self.tokens.get(clock, || self.log_in(left(deadline)));
        match tokio::time::timeout_at(deadline, fetch).await {
            Ok(token) => token.map(Some),
            Err(_) => Err(LoginFault::unfinished()),
        }
    }

    /// One login, cache or not.
    async fn log_in(&self, timeout: Duration) -> Result<Token, LoginFault> {
        let Some((login, placement)) = &self.settings.login else {
            return Err(LoginFault::of_login("there is no login"));
        };
        let request = login.request(timeout);
        let request = request
            .ok_or_else(|| LoginFault::of_login("the login's credentials cannot be sent"))?;
        let exchange = self
            .egress
            .http(request)
            .await
            .map_err(|failure| LoginFault::of_failure(&failure))?;
        let granted =
            login
                .granted(&exchange)
                .map_err(|detail| match exchange.status.is_success() {
                    true => LoginFault::of_token(detail),
                    false => LoginFault::of_login(detail),
                })?;
        let value = placement.place(granted.token.reveal());
        let value =
            value.ok_or_else(|| LoginFault::of_token("the token cannot be sent as a header"))?;
        Ok(Token::new(placement.name.clone(), value, granted))
    }

    /// A login for a check: whatever is cached is not believed, and what comes is kept for the sends.
    pub(crate) async fn log_in_anew(
        &self,
        clock: &Clock,
        timeout: Duration,
    ) -> Result<(), LoginFault> {
        self.tokens.clear();
        let fetch = self.tokens.get(clock, || self.log_in(timeout));
        match tokio::time::timeout(timeout, fetch).await {
            Ok(token) => token.map(drop),
            Err(_) => Err(LoginFault::unfinished()),
        }
    }

    /// One request and what it means.
    async fn exchange(
        &self,
        outgoing: &Outgoing,
        token: Option<&Token>,
        clock: &Clock,
        deadline: Instant,
        record: &mut Exchanged,
    ) -> Outcome {
        let headers = self.headers(outgoing, token, clock.stamp());
        record.request_headers = self.shown_request(&headers);
        let request = Request {
            method: Method::POST,
            url: self.settings.target.clone(),
            headers,
            body: outgoing.body.clone(),
            timeout: left(deadline),
        };
        match self.egress.http(request).await {
            Ok(exchange) => {
                self.note_answer(&exchange, token, record);
                outcome::of_exchange(&exchange, clock.stamp(), |text| self.masked(text, token))
            }
            Err(failure) => {
                record.status_code = None;
                record.response_headers.clear();
                record.response_body.clear();
                record.timings = *failure.timings;
                record.address = failure.peer;
                let outcome = outcome::of_failure(&failure);
                record.detail = Some(failure.detail);
                outcome
            }
        }
    }

    /// The frozen headers, then what belongs to this attempt, then what authenticates it.
    fn headers(&self, outgoing: &Outgoing, token: Option<&Token>, now: Timestamp) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &outgoing.headers {
            let value = if name == "traceparent" {
                span_of(value, outgoing)
            } else {
                HeaderValue::from_str(value).ok()
            };
            if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                headers.insert(name, value);
            }
        }
        let id = outgoing.delivery.to_string();
        let timestamp = now.unix_seconds();
        let mut live = self
            .settings
            .signers
            .iter()
            .filter(|signer| signer.signs(now))
            .peekable();
        if live.peek().is_some() {
            let live = live.map(|signer| &signer.signer);
            let signature = signature::header(live, &id, timestamp, &outgoing.body);
            headers.extend(
                HeaderValue::try_from(signature)
                    .ok()
                    .map(|value| (SIGNATURE.clone(), value)),
            );
        }
        headers.extend(
            HeaderValue::try_from(id)
                .ok()
                .map(|value| (ID.clone(), value)),
        );
        headers.insert(TIMESTAMP.clone(), HeaderValue::from(timestamp));
        for (name, value) in &self.settings.headers {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(token) = token {
            headers.insert(token.name.clone(), token.value.clone());
        }
        headers
    }

    fn shown_request(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let mut shown = Vec::with_capacity(headers.len() + 2);
        shown.push((
            HOST.to_string(),
            self.settings.target.authority().to_owned(),
        ));
        shown.push((USER_AGENT_HEADER.to_string(), USER_AGENT.to_owned()));
        for (name, value) in headers {
            let hidden = value.is_sensitive() || name == AUTHORIZATION;
            let value = if hidden {
                HIDDEN.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            shown.push((name.as_str().to_owned(), value));
        }
        shown
    }

    fn note_answer(&self, exchange: &Exchange, token: Option<&Token>, record: &mut Exchanged) {
        let mask = |text: String| self.masked(text, token);
        record.status_code = Some(exchange.status.as_u16());
        record.response_headers = exchange
            .headers
            .iter()
            .map(|(name, value)| match name {
                name if *name == SET_COOKIE => (name.to_string(), HIDDEN.to_owned()),
                name => (name.to_string(), mask(text_of(value.as_bytes()))),
            })
            .collect();
        record.response_body = mask(text_of(&exchange.body));
        record.timings = exchange.timings;
        record.address = exchange.peer;
        record.detail = None;
    }

    /// Takes our secrets out of what a target says: some echo the request.
    fn masked(&self, text: String, token: Option<&Token>) -> String {
        let secrets = self
            .settings
            .hidden
            .iter()
            .chain(token.map(Token::secret))
            .map(Secret::reveal);
        secrets
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .fold(text, |text, secret| {
                if text.contains(secret.as_str()) {
                    text.replace(secret.as_str(), HIDDEN)
                } else {
                    text
                }
            })
    }
}

/// Nothing was sent, and no attempt is spent.
fn held(fault: LoginFault, record: &mut Exchanged) -> Outcome {
    let outcome = outcome::of_login(&fault);
    record.detail = Some(fault.detail);
    outcome
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Text for a database: PostgreSQL holds no NUL.
fn text_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.into_owned()
    }
}

/// The trace of the event with a span of this attempt (W3C Trace Context): a digest, so that it needs no randomness.
fn span_of(base: &str, outgoing: &Outgoing) -> Option<HeaderValue> {
    const SPAN: std::ops::Range<usize> = 36..52;
    if base.len() != 55 || !base.is_ascii() {
        return None;
    }
    let digest = Sha256::new()
        .chain_update(outgoing.delivery.to_bytes())
        .chain_update(outgoing.attempt.to_be_bytes())
        .finalize();
    let mut text = base.as_bytes().to_vec();
    for (place, byte) in text[SPAN].chunks_exact_mut(2).zip(digest) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        place[0] = DIGITS[usize::from(byte >> 4)];
        place[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).ok()
}

//! Every answer that is not a success: RFC 9457 problem details. This file alone picks a status.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use connectors::FieldError;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use receive::{RaiseError, Refusal, TooFast};
use serde::Serialize;
use serde_json::{Map, Value};
use store::StoreError;
use utoipa::ToSchema;

use crate::rate_limit;

pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

const OVER_QUOTA: &str = "over-quota";

/// Seconds after which a caller that was turned away for load may come again.
const RETRY_SECONDS: u64 = 1;

/// What went wrong, and what the caller can do about it. Boxed, for it travels in every `Result`.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    /// Last part of the `type`: stable, for programs.
    kind: &'static str,
    title: Cow<'static, str>,
    detail: String,
    errors: Vec<FieldError>,
    extra: Map<String, Value>,
    headers: HeaderMap,
    /// For the log alone.
    hidden: Option<String>,
}

/// How a problem is written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemView<'a> {
    /// A URN that says which kind of problem it is.
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// The fields at fault, by JSON pointer (RFC 6901); of the query, by `?` and the parameter's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldErrorView<'a>>,
    /// Names the request in the log.
    request_id: &'a str,
    #[serde(flatten)]
    #[schema(ignore)]
    extra: &'a Map<String, Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorView<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Inner {
            status,
            kind,
            title: Cow::Borrowed(title),
            detail: detail.into(),
            errors: Vec::new(),
            extra: Map::new(),
            headers: HeaderMap::new(),
            hidden: None,
        }))
    }

    /// 400: a request that cannot be read as one at all.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "Malformed Request",
            detail,
        )
    }

    /// 401: no key, or a bad one; the text is the same for both.
    pub(crate) fn unauthorized(challenge: Option<&'static str>, detail: &'static str) -> Self {
        let problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Unauthorized",
            detail,
        );
        match challenge {
            Some(challenge) => problem.with_header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            ),
            None => problem,
        }
    }

    /// 403: a request that a browser was made to send by a page that is not ours.
    pub(crate) fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "cross-site",
            "Forbidden",
            "this request does not come from a page of this server",
        )
    }

    /// 403: the key is good, its role or its companies are not enough.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    /// 404: not there, or another company's.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not Found",
            format!("there is no such {what}"),
        )
    }

    pub(crate) fn method_not_allowed(allow: Option<&'static str>) -> Self {
        let detail = "this path does not know that method; the Allow header lists those it knows";
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method Not Allowed",
            detail,
        );
        match allow {
            Some(allow) => problem.with_header(header::ALLOW, HeaderValue::from_static(allow)),
            None => problem,
        }
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "Request Timeout",
            "the body took too long to arrive",
        )
    }

    /// 409: the thing is there, its state is not the one that this takes; the detail says which step is missing.
    pub(crate) fn wrong_state(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "wrong-state", "Wrong State", detail)
    }

    /// 409: something else still needs what was to go.
    pub(crate) fn in_use(detail: impl Into<String>, extra: Map<String, Value>) -> Self {
        let mut problem = Self::new(StatusCode::CONFLICT, "in-use", "Still In Use", detail);
        problem.0.extra = extra;
        problem
    }

    pub(crate) fn too_large(most: usize) -> Self {
        let detail = format!("the body may have at most {most} bytes");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Content Too Large",
            detail,
        )
    }

    /// 413 of a body that is small and would not stay so.
    pub(crate) fn too_dense(ratio: usize) -> Self {
        let detail = format!("the body unpacks to more than {ratio} times its length");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-dense",
            "Content Too Large",
            detail,
        )
    }

    /// 415 that says which codings there are (RFC 9110, section 15.5.16).
    pub(crate) fn unsupported_coding() -> Self {
        Self::unsupported("send the body without a content-encoding, or with gzip alone")
            .with_header(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("gzip, identity"),
            )
    }

    pub(crate) fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported Media Type",
            detail,
        )
    }

    pub(crate) fn misdirected() -> Self {
        let detail = "this server does not answer for that Host; use the public URL or the listen address, or set ALERTWIRE_PUBLIC_URL";
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected",
            "Misdirected Request",
            detail,
        )
    }

    /// 422: each broken rule by its place.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] if only.pointer.is_empty() => only.detail.clone(),
            [only] => format!("{}: {}", only.pointer, only.detail),
            several => format!("{} fields are not good; errors names each", several.len()),
        };
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "Unprocessable Content",
            detail,
        );
        problem.0.errors = errors;
        problem
    }

    /// 422 for one field.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        }])
    }

    pub(crate) fn too_many(detail: impl Into<String>, retry_seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too Many Requests",
            detail,
        )
        .retry_after(retry_seconds)
    }

    /// 429: the company's quota, which is a matter of its own for the figures and the log.
    fn over_quota(detail: impl Into<String>, wait: Duration) -> Self {
        let seconds = rate_limit::seconds(wait);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            OVER_QUOTA,
            "Over Quota",
            detail,
        )
        .retry_after(seconds.max(1))
    }

    /// 429 of a source's own limit.
    fn too_fast(detail: impl Into<String>, refused: &TooFast) -> Self {
        let mut problem = Self::over_quota(detail, refused.wait);
        problem.0.title = Cow::Borrowed("Too Fast");
        rate_limit::announce(&mut problem.0.headers, &refused.pace);
        problem
    }

    /// Someone's limit is used up, which is no trouble of ours.
    pub(crate) fn is_over_quota(&self) -> bool {
        self.0.kind == OVER_QUOTA
    }

    pub(crate) fn try_later(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Service Unavailable",
            detail,
        )
        .retry_after(RETRY_SECONDS)
    }

    /// 502 of a test alert that did not get through; the title is the one that the guide gives.
    pub(crate) fn error_sending(detail: impl Into<String>, extra: Map<String, Value>) -> Self {
        let mut problem = Self::new(
            StatusCode::BAD_GATEWAY,
            "error-sending",
            "Error Sending Request for URL",
            detail,
        );
        problem.0.extra = extra;
        problem
    }

    /// 500; what happened goes to the log, not to the caller.
    pub(crate) fn internal(hidden: impl Into<String>) -> Self {
        let detail = "this is our fault; the log of the server says more under the request id";
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal Server Error",
            detail,
        );
        problem.0.hidden = Some(hidden.into());
        problem
    }

    fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    fn with_errors(mut self, pointer: &str) -> Self {
        let detail = self.0.detail.clone();
        self.0.errors = vec![FieldError {
            pointer: pointer.to_owned(),
            detail,
        }];
        self
    }

    pub(crate) fn title(&self) -> &str {
        &self.0.title
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = (&str, &str)> {
        let errors = self.0.errors.iter();
        errors.map(|error| (error.pointer.as_str(), error.detail.as_str()))
    }

    /// What it says beyond the members of RFC 9457.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What the log says: the hidden cause where there is one.
    pub(crate) fn for_log(&self) -> &str {
        self.0.hidden.as_deref().unwrap_or(&self.0.detail)
    }

    /// The document, for an answer that has begun already.
    pub(crate) fn view<'a>(&'a self, request_id: &'a str) -> ProblemView<'a> {
        let inner = &*self.0;
        ProblemView {
            kind: format!("urn:alertwire:problem:{}", inner.kind),
            title: &inner.title,
            status: inner.status.as_u16(),
            detail: &inner.detail,
            errors: inner
                .errors
                .iter()
                .map(|error| FieldErrorView {
                    pointer: &error.pointer,
                    detail: &error.detail,
                })
                .collect(),
            request_id,
            extra: &inner.extra,
        }
    }

    /// The whole answer, its body written out.
    pub(crate) fn answer<B: From<Bytes>>(self, request_id: &str) -> http::Response<B> {
        let body = serde_json::to_vec(&self.view(request_id))
            .expect("texts and JSON values are always JSON");
        let inner = *self.0;
        let mut response = http::Response::new(B::from(Bytes::from(body)));
        *response.status_mut() = inner.status;
        *response.headers_mut() = inner.headers;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        response
    }
}

/// Carries the problem to the router's outermost layer, which knows the request's id and writes it out.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NotFound { what, .. } => Self::not_found(what),
            StoreError::NameTaken { .. } => {
                Self::new(StatusCode::CONFLICT, "name-taken", "Name Taken", text)
                    .with_errors("/name")
            }
            StoreError::InUse { .. } => Self::in_use(text, Map::new()),
            StoreError::NoSuch { .. } => Self::field("", text),
            StoreError::NoEpoch { .. } | StoreError::TooMuch { .. } => Self::field("/epoch", text),
            StoreError::Moved => Self::wrong_state(text),
            StoreError::BadCursor => Self::field("?cursor", text),
            StoreError::Overloaded => Self::too_many(text, RETRY_SECONDS),
            StoreError::Unavailable(_) => {
                let mut problem = Self::try_later(
                    "the store cannot be reached or written just now; try again in a moment",
                );
                problem.0.hidden = Some(text);
                problem
            }
            StoreError::WrongKey
            | StoreError::NewerSchema { .. }
            | StoreError::AlteredSchema { .. }
            | StoreError::BadDatabase(_)
            | StoreError::Corrupt { .. } => Self::internal(text),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSource => Self::not_found("source"),
            Refusal::Unauthorized { challenge } => {
                Self::unauthorized(challenge, "the credentials are missing or wrong")
            }
            Refusal::Malformed(detail) => Self::malformed(detail),
            Refusal::TooFast(ref refused) => Self::too_fast(refusal.to_string(), refused),
            Refusal::OverQuota { wait } => Self::over_quota(refusal.to_string(), wait),
            Refusal::Unavailable(error) => error.into(),
        }
    }
}

impl From<RaiseError> for Problem {
    fn from(error: RaiseError) -> Self {
        match error {
            RaiseError::Bad { index, error } => Self::field(format!("/{index}"), error.to_string()),
            RaiseError::OverQuota { wait } => Self::over_quota(error.to_string(), wait),
            RaiseError::KeyReused => {
                Self::field("Idempotency-Key", RaiseError::KeyReused.to_string())
            }
            RaiseError::Unavailable(error) => error.into(),
        }
    }
}

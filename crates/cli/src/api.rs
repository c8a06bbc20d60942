//! Talking to a server over its HTTP API. Every request goes through `egress`, which is allowed the named host alone.

mod stream;
mod upload;

pub(crate) use stream::Events;
pub(crate) use upload::Upload;

use std::time::Duration;

use domain::Secret;
use egress::{Egress, Exchange, Request, Target};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::config::client::Client;
use crate::exit::{Code, Failure};

/// Over a whole exchange; a check of an integration sends test alerts with deadlines of their own.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Longest answer that is read, in bytes: a page of 1,000 events with long bodies.
const ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// A server, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    egress: Egress,
    base: Url,
    authorization: Option<HeaderValue>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// When the server wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl Api {
    pub(crate) fn new(client: &Client) -> Result<Self, Failure> {
        let bad = |what: &dyn std::fmt::Display| {
            Failure::usage(format!("`{}` is no server URL: {what}", client.url))
                .help("write it as https://alerts.example.com")
        };
        let mut base = Url::parse(&client.url).map_err(|error| bad(&error))?;
        // Without the slash at its end `join` would take the last part of the path for a file.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let host = base.host_str().ok_or_else(|| bad(&"it has no host"))?;
        let entry = host.parse().map_err(|error| bad(&error))?;
        let settings = egress::Settings {
            allow: vec![entry],
            response_bytes: ANSWER_BYTES,
            ca_pem: client.ca.clone(),
            ..Default::default()
        };
        let egress = Egress::new(settings).map_err(Failure::config)?;
        let authorization = client.key.as_ref().map(bearer).transpose()?;
        let api = Self {
            egress,
            base,
            authorization,
        };
        api.target("").map_err(|error| bad(&error))?;
        Ok(api)
    }

    /// Another server through the same door would not be let out; this makes the URL of a path on this one.
    fn target(&self, path: &str) -> Result<Target, String> {
        let url = self
            .base
            .join(path.trim_start_matches('/'))
            .map_err(|error| error.to_string())?;
        self.egress
            .target(url.as_str(), &[80, 443])
            .map_err(|error| error.to_string())
    }

    pub(crate) async fn get(
        &self,
        path: &str,
        query: &[(String, String)],
    ) -> Result<Value, Failure> {
        let path = with_query(path, query);
        self.exchange(Method::GET, &path, None, &[]).await?.good()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.exchange(Method::POST, path, Some(body), &[])
            .await?
            .good()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.exchange(Method::PUT, path, Some(body), &[])
            .await?
            .good()
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.exchange(Method::DELETE, path, None, &[]).await?.good()
    }

    /// One exchange; whatever the server answers is an answer.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Answer, Failure> {
        let mut all = self.headers();
        all.extend(headers.iter().cloned());
        if body.is_some() {
            all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request = Request {
            method,
            url: self.target(path).map_err(Failure::usage)?,
            headers: all,
            body: body.map(|body| body.to_string()).unwrap_or_default().into(),
            timeout: TIMEOUT,
        };
        let exchange = self
            .egress
            .http(request)
            .await
            .map_err(|failure| self.unreachable(&failure))?;
        Answer::read(exchange)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        headers
    }

    fn unreachable(&self, failure: &egress::Failure) -> Failure {
        Failure::unavailable(format!("cannot reach {}: {}", self.base, failure.detail))
            .help("is `alertwire serve` running there? name the server with --url or ALERTWIRE_URL")
    }
}

impl Answer {
    fn read(exchange: Exchange) -> Result<Self, Failure> {
        if exchange.truncated {
            return Err(Failure::unavailable(
                "the answer of the server broke off, or is too long",
            ));
        }
        let body = match exchange.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&exchange.body).unwrap_or_else(|_| {
                Value::String(String::from_utf8_lossy(&exchange.body).into_owned())
            }),
        };
        let retry_after = exchange.headers.get(RETRY_AFTER);
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Self {
            status: exchange.status,
            body,
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    /// The body of a good answer, or what the server says is wrong.
    pub(crate) fn good(self) -> Result<Value, Failure> {
        if self.status.is_success() {
            Ok(self.body)
        } else {
            Err(self.refused())
        }
    }

    /// A problem document as a failure: title, detail, each wrong field, and what to do.
    pub(crate) fn refused(&self) -> Failure {
        let text = |name: &str| self.body[name].as_str().filter(|text| !text.is_empty());
        let mut message = format!("the server answered {}", self.status);
        for part in [text("title"), text("detail")].into_iter().flatten() {
            message.push_str(": ");
            message.push_str(part);
        }
        for error in self.body["errors"].as_array().into_iter().flatten() {
            let [pointer, detail] =
                ["pointer", "detail"].map(|name| error[name].as_str().unwrap_or(""));
            // What is wrong with the whole has been said.
            if pointer.is_empty() && text("detail") == Some(detail) {
                continue;
            }
            message.push_str(&format!("\n  {pointer}: {detail}"));
        }
        let failure = Failure::new(code_of(self.status), message);
        match self.status {
            StatusCode::UNAUTHORIZED => {
                failure.help("set ALERTWIRE_API_KEY to a key of that server")
            }
            StatusCode::FORBIDDEN => {
                failure.help("the key's role or companies do not reach this; use another key")
            }
            _ => failure,
        }
    }
}

/// A path with its query.
pub(crate) fn with_query(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("{path}?{query}")
}

/// A problem document that came in the place of an answer which had begun.
pub(crate) fn refused(problem: Value) -> Failure {
    let status = problem["status"].as_u64();
    let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    Answer {
        status: status.unwrap_or(StatusCode::BAD_GATEWAY),
        body: problem,
        retry_after: None,
    }
    .refused()
}

fn bearer(key: &Secret<String>) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.reveal())).map_err(|_| {
        Failure::config("the API key holds characters that no HTTP header can carry")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::Permission,
        StatusCode::TOO_MANY_REQUESTS => Code::Unavailable,
        status if status.is_server_error() => Code::Unavailable,
        _ => Code::Data,
    }
}

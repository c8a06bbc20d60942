//! The webhook intake: the hot path. It is routed before everything else and allocates little; nothing here is layered.
//!
//! Order of work: method -> source and credentials (before a byte of the body is read) -> body, up to its cap ->
//! `receive` reads, matches and stores -> 202.

use std::error::Error;
use std::net::IpAddr;

use bytes::Bytes;
use domain::SourceId;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use receive::{Acknowledgement, Refusal};
use serde_json::json;

use crate::App;
use crate::problem::Problem;
use crate::read::body;

/// What its paths begin with.
pub(crate) const PREFIX: &str = "/intake/";

/// Answers every request whose path begins with [`PREFIX`].
pub(crate) async fn answer<B>(app: &App, peer: IpAddr, request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let rest = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let answered = match rest.strip_suffix("/token") {
        Some(source) => token(app, source, &parts, body).await,
        None => take(app, rest, peer, &parts, body).await,
    };
    answered.unwrap_or_else(|problem| refused(app, problem))
}

async fn take<B>(
    app: &App,
    source: &str,
    peer: IpAddr,
    parts: &Parts,
    body: B,
) -> Result<Response<Full<Bytes>>, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let begun = app.clock().now();
    let source = expect_post(source, &parts.method)?;
    let address = app.settings().client(peer, &parts.headers);
    let admitted = app
        .receiver()
        .admit(source, &parts.headers, address)
        .await?;
    expect_plain(&parts.headers)?;
    let body = body::whole(body, app.settings().intake_bytes).await?;
    let receipt = app.receiver().take(admitted, &parts.headers, body).await?;
    let meters = app.meters();
    if receipt.duplicate {
        meters.duplicate.increment(1);
    } else {
        meters.accepted.increment(1);
    }
    meters
        .ack_seconds
        .record(app.clock().now().since(begun).as_secs_f64());
    Ok(answered(StatusCode::ACCEPTED, written(&receipt)))
}

async fn token<B>(
    app: &App,
    source: &str,
    parts: &Parts,
    body: B,
) -> Result<Response<Full<Bytes>>, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let source = expect_post(source, &parts.method)?;
    let body = body::whole(body, app.settings().intake_bytes).await?;
    let token = app.receiver().token(source, &parts.headers, &body).await?;
    let view = json!({"access_token": token.access_token, "token_type": "Bearer", "expires_in": token.expires_in});
    let mut response = answered(StatusCode::OK, Bytes::from(view.to_string()));
    // RFC 6749, section 5.1.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn expect_post(source: &str, method: &Method) -> Result<SourceId, Problem> {
    if method != Method::POST {
        return Err(Problem::method_not_allowed(Some("POST")));
    }
    source.parse().map_err(|_| Refusal::NoSource.into())
}

/// The raw message is kept as it came, so nothing is unpacked.
fn expect_plain(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(_) => Err(Problem::unsupported(
            "send the body without a content-encoding",
        )),
    }
}

/// `{"id": …, "sha256": …, "events": […]}`: nothing in it needs escaping.
fn written(receipt: &Acknowledgement) -> Bytes {
    use std::fmt::Write as _;
    const ID: usize = 36;
    let mut text = String::with_capacity(140 + (ID + 3) * receipt.events.len());
    let _ = write!(text, "{{\"id\":\"{}\",\"sha256\":\"", receipt.id);
    crate::hex::push_hex(&mut text, &receipt.sha256);
    text.push_str("\",\"events\":[");
    for (index, event) in receipt.events.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let _ = write!(text, "{separator}\"{event}\"");
    }
    text.push_str("]}");
    Bytes::from(text)
}

fn answered(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn refused(app: &App, problem: Problem) -> Response<Full<Bytes>> {
    let (request_id, meters) = (app.request_id(), app.meters());
    match problem.status() {
        StatusCode::UNAUTHORIZED => meters.unauthorized.increment(1),
        _ if problem.is_over_quota() => meters.over_quota.increment(1),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            meters.unavailable.increment(1);
            tracing::error!(request_id, status = status.as_u16(), reason = %problem.for_log(), "the intake could not take a message");
        }
        _ => meters.refused.increment(1),
    }
    problem.answer(&request_id)
}

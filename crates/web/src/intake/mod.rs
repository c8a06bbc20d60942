//! The webhook intake: the hot path. It is routed before everything else and allocates little; nothing here is layered.
//!
//! Order of work: method -> source and credentials (before a byte of the body is read) -> body, up to its cap, its coding
//! undone -> `receive` reads, matches and stores -> 202.

pub(crate) mod coding;

use std::error::Error;
use std::net::IpAddr;

use bytes::Bytes;
use domain::SourceId;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use receive::{Acknowledgement, Refusal};
use serde_json::json;

use self::coding::Coding;
use crate::problem::Problem;
use crate::read::body;
use crate::tallies::Ending;
use crate::{App, rate_limit};

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
        Some(source) => token(app, source, peer, &parts, body).await,
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
    let received = receive(app, source, peer, parts, body).await;
    let (ending, now) = (ending(&received), app.clock().now());
    if let Some(ending) = ending {
        app.tallies().note(source, ending, now);
    }
    let receipt = received?;
    let meters = app.meters();
    if receipt.duplicate {
        meters.duplicate.increment(1);
    } else {
        meters.accepted.increment(1);
    }
    meters.ack_seconds.record(now.since(begun).as_secs_f64());
    let mut response = answered(StatusCode::ACCEPTED, written(&receipt));
    if let Some(pace) = &receipt.pace {
        rate_limit::announce(response.headers_mut(), pace);
    }
    Ok(response)
}

async fn receive<B>(
    app: &App,
    source: SourceId,
    peer: IpAddr,
    parts: &Parts,
    body: B,
) -> Result<Acknowledgement, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let address = app.settings().client(peer, &parts.headers);
    let admitted = app
        .receiver()
        .admit(source, &parts.headers, address)
        .await?;
    let coding = Coding::of(&parts.headers)?;
    let most = app.settings().intake_bytes;
    let most = admitted.body_bytes().map_or(most, |own| own.min(most));
    let body = coding.read(body, most).await?;
    Ok(app.receiver().take(admitted, &parts.headers, body).await?)
}

/// How a message ended for its source; none where there is no such source.
fn ending(received: &Result<Acknowledgement, Problem>) -> Option<Ending> {
    match received {
        Ok(receipt) if receipt.duplicate => Some(Ending::Duplicate),
        Ok(_) => Some(Ending::Accepted),
        Err(problem) => (problem.status() != StatusCode::NOT_FOUND).then_some(Ending::Refused),
    }
}

async fn token<B>(
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
    let source = expect_post(source, &parts.method)?;
    let body = body::whole(body, app.settings().intake_bytes).await?;
    let address = app.settings().client(peer, &parts.headers);
    let token = app
        .receiver()
        .token(source, &parts.headers, address, &body)
        .await?;
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

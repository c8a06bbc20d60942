//! Which path is whose, and what every answer of the API goes through.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use http::header::{self, HeaderName, HeaderValue};
use metrics::{counter, histogram};

use crate::api::{
    audit, catalog, company, configuration, dead_letter, delivery, event, event_kind, event_set,
    import, integration, job, journal, key, lesson, mapping, parse, render, replay, reread, rule,
    silence, source, user, what_if, whitelisting,
};
use crate::problem::Problem;
use crate::{App, console, health, intake, openapi};

/// What pages may load and do: what comes from this server, and nothing inline (security.md I7). It stands on every answer.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; \
     trusted-types alertwire-page",
);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The other end of the connection, put beside each request by the server; in a test there may be none.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Names the request, for whatever shows it.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Everything that this crate answers.
pub fn router(app: App) -> Router {
    let inner = Router::new()
        .merge(configured())
        .merge(traffic())
        .merge(tools())
        .merge(files())
        .merge(console::routes(app.clone()))
        .method_not_allowed_fallback(async || Problem::method_not_allowed(None))
        .layer(from_fn_with_state(app.clone(), around));
    // The intake stands outside the layer; `serve` does not even come by here for it.
    Router::new()
        .route("/intake/{*rest}", any(take))
        .fallback_service(inner.with_state::<()>(app.clone()))
        .with_state(app)
}

/// What is set up.
fn configured() -> Router<App> {
    Router::new()
        .route(
            "/api/v1/companies",
            post(company::create::create).get(company::list::list),
        )
        .route(
            "/api/v1/companies/{id}",
            get(company::get::get)
                .patch(company::update::update)
                .delete(company::remove::remove),
        )
        .route(
            "/api/v1/integrations",
            post(integration::create::create).get(integration::list::list),
        )
        .route(
            "/api/v1/integrations/{id}",
            get(integration::get::get)
                .patch(integration::update::update)
                .delete(integration::remove::remove),
        )
        .route(
            "/api/v1/integrations/{id}/check",
            post(integration::check::check),
        )
        .route(
            "/api/v1/integrations/{id}/finish",
            post(integration::finish::finish),
        )
        .route(
            "/api/v1/integrations/{id}/release",
            post(integration::release::release),
        )
        .route(
            "/api/v1/integrations/{id}/signing-secret",
            post(integration::rotate_secret::rotate_secret),
        )
        .route(
            "/api/v1/integrations/{id}/signing-secret/previous",
            delete(integration::end_overlap::end_overlap),
        )
        .route(
            "/api/v1/integrations/{id}/rules",
            post(rule::create::create).get(rule::list::list),
        )
        .route(
            "/api/v1/integrations/{id}/rules/{rule_id}",
            get(rule::get::get)
                .patch(rule::update::update)
                .delete(rule::remove::remove),
        )
        .route(
            "/api/v1/integrations/{id}/mappings",
            put(mapping::put_many::put_many).get(mapping::list::list),
        )
        .route(
            "/api/v1/integrations/{id}/mappings/{company_id}",
            get(mapping::get::get)
                .put(mapping::put::put)
                .delete(mapping::remove::remove),
        )
        .route("/api/v1/rules", get(rule::overview::overview))
        .route(
            "/api/v1/event-sets",
            post(event_set::create::create).get(event_set::list::list),
        )
        .route(
            "/api/v1/event-sets/{id}",
            get(event_set::get::get)
                .patch(event_set::update::update)
                .delete(event_set::remove::remove),
        )
        .route(
            "/api/v1/silences",
            post(silence::create::create).get(silence::list::list),
        )
        .route(
            "/api/v1/silences/{id}",
            get(silence::get::get)
                .patch(silence::update::update)
                .delete(silence::remove::remove),
        )
        .route("/api/v1/silences/{id}/end", post(silence::end::end))
        .route(
            "/api/v1/sources",
            post(source::create::create).get(source::list::list),
        )
        .route(
            "/api/v1/sources/{id}",
            get(source::get::get)
                .patch(source::update::update)
                .delete(source::remove::remove),
        )
        .route("/api/v1/sources/{id}/rotate", post(source::rotate::rotate))
        .route(
            "/api/v1/sources/{id}/sender-settings",
            get(source::sender_settings::sender_settings),
        )
        .route(
            "/api/v1/keys",
            get(key::list::list).post(key::create::create),
        )
        .route("/api/v1/keys/{id}", delete(key::remove::remove))
        .route(
            "/api/v1/users",
            get(user::list::list).post(user::create::create),
        )
        .route(
            "/api/v1/users/{id}",
            get(user::get::get)
                .patch(user::update::update)
                .delete(user::remove::remove),
        )
        .route(
            "/api/v1/users/{id}/password",
            post(user::password::password),
        )
        .route("/api/v1/audit", get(audit::list))
        .route(
            "/api/v1/configuration",
            get(configuration::get::get).put(configuration::put::put),
        )
        .route(
            "/api/v1/configuration/rollback",
            post(configuration::rollback::rollback),
        )
}

/// What comes and goes.
fn traffic() -> Router<App> {
    Router::new()
        .route(
            "/api/v1/events",
            post(event::create::create).get(event::list::list),
        )
        .route("/api/v1/events/stream", get(event::stream::stream))
        .route("/api/v1/events/export", get(event::export::export))
        .route("/api/v1/events/{id}", get(event::get::get))
        .route("/api/v1/events/{id}/trace", get(event::trace::trace))
        .route(
            "/api/v1/events/{id}/readings",
            get(event::readings::readings),
        )
        .route("/api/v1/journal/verify", post(journal::verify::verify))
        .route(
            "/api/v1/journal/receipts",
            post(journal::receipts::receipts),
        )
        .route("/api/v1/journal/{id}", get(journal::get::get))
        .route("/api/v1/journal/{id}/raw", get(journal::raw::raw))
        .route("/api/v1/deliveries", get(delivery::list::list))
        .route("/api/v1/deliveries/stream", get(delivery::stream::stream))
        .route("/api/v1/deliveries/export", get(delivery::export::export))
        .route("/api/v1/deliveries/{id}", get(delivery::get::get))
        .route(
            "/api/v1/deliveries/cancel",
            post(delivery::cancel::cancel_many),
        )
        .route(
            "/api/v1/deliveries/{id}/cancel",
            post(delivery::cancel::cancel),
        )
        .route(
            "/api/v1/deliveries/{id}/retry",
            post(delivery::retry::retry),
        )
        .route("/api/v1/dead-letters", get(dead_letter::list))
        .route(
            "/api/v1/replays",
            post(replay::create::create).get(replay::list::list),
        )
        .route("/api/v1/replays/{id}", get(replay::get::get))
        .route("/api/v1/replays/{id}/pause", post(replay::pause::pause))
        .route("/api/v1/replays/{id}/resume", post(replay::resume::resume))
        .route("/api/v1/replays/{id}/cancel", post(replay::cancel::cancel))
        .route(
            "/api/v1/imports",
            post(import::create::create).get(import::list::list),
        )
        .route("/api/v1/imports/{id}", get(import::get::get))
        .route("/api/v1/imports/{id}/pause", post(import::pause::pause))
        .route("/api/v1/imports/{id}/resume", post(import::resume::resume))
        .route("/api/v1/imports/{id}/cancel", post(import::cancel::cancel))
        .route(
            "/api/v1/rereads",
            post(reread::create::create).get(reread::list::list),
        )
        .route("/api/v1/rereads/{id}", get(reread::get::get))
        .route("/api/v1/rereads/{id}/pause", post(reread::pause::pause))
        .route("/api/v1/rereads/{id}/resume", post(reread::resume::resume))
        .route("/api/v1/rereads/{id}/cancel", post(reread::cancel::cancel))
}

/// Lists as files.
fn files() -> Router<App> {
    Router::new()
        .route("/api/v1/jobs/export", get(job::export::export))
        .route("/api/v1/companies/export", get(company::export::export))
        .route(
            "/api/v1/integrations/export",
            get(integration::export::export),
        )
        .route(
            "/api/v1/integrations/{id}/mappings/export",
            get(mapping::export::export),
        )
        .route("/api/v1/rules/export", get(rule::export::export))
        .route("/api/v1/event-sets/export", get(event_set::export::export))
        .route("/api/v1/silences/export", get(silence::export::export))
        .route("/api/v1/sources/export", get(source::export::export))
        .route("/api/v1/keys/export", get(key::export::export))
        .route("/api/v1/users/export", get(user::export::export))
        .route("/api/v1/audit/export", get(audit::export::export))
        .route("/api/v1/catalog/export", get(catalog::export::export))
        .route(
            "/api/v1/catalog/kinds/export",
            get(event_kind::export::export),
        )
        .route(
            "/api/v1/catalog/unknown/export",
            get(lesson::unknown::export::export),
        )
        .route(
            "/api/v1/catalog/drift/export",
            get(lesson::drift::export::export),
        )
}

fn tools() -> Router<App> {
    Router::new()
        .route("/api/v1/catalog", get(catalog::get))
        .route(
            "/api/v1/catalog/kinds",
            post(event_kind::create::create).get(event_kind::list::list),
        )
        .route(
            "/api/v1/catalog/kinds/{id}",
            get(event_kind::get::get)
                .put(event_kind::update::update)
                .delete(event_kind::remove::remove),
        )
        .route("/api/v1/catalog/unknown", get(lesson::unknown::get))
        .route("/api/v1/catalog/proposals", post(lesson::propose::create))
        .route("/api/v1/catalog/learn", post(lesson::learn::create))
        .route("/api/v1/catalog/drift", get(lesson::drift::list))
        .route("/api/v1/parse", post(parse::create))
        .route("/api/v1/render", post(render::create))
        .route("/api/v1/what-if", post(what_if::create))
        .route("/api/v1/whitelisting", get(whitelisting::get))
        .route("/api/v1/openapi.json", get(openapi::get))
        .route("/livez", get(health::live::live))
        .route("/readyz", get(health::ready::ready))
        .route("/metrics", get(health::metrics::metrics))
}

async fn take(app: State<App>, request: Request) -> Response {
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    intake::answer(&app, peer, request)
        .await
        .map(axum::body::Body::new)
}

/// Whether the body of a request to this path is a whole file, which may take its time.
pub(crate) fn takes_files(path: &str) -> bool {
    matches!(path, "/api/v1/imports" | "/imports/new")
}

/// Around every answer of API and console: the Host check, the request's id, the figures, the log, problems written out.
async fn around(app: State<App>, mut request: Request, next: Next) -> Response {
    let (begun, request_id) = (app.clock().now(), app.request_id());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let shown = RequestId(request_id.clone());
    request.extensions_mut().insert(shown);
    let response = if answers_for(&app, &request) {
        next.run(request).await
    } else {
        Problem::misdirected().into_response()
    };
    let mut response = written_out(response, &request_id);
    let status = response.status();
    // Only known routes and methods: a label of the caller's making would be without bound.
    let route = route
        .as_ref()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let seconds = app.clock().now().since(begun).as_secs_f64();
    tracing::debug!(
        request_id,
        method = known(&method),
        route,
        status = status.as_u16(),
        seconds,
        "answered"
    );
    counter!("alertwire_http_requests_total", "method" => known(&method), "route" => route.clone(), "status" => status.as_u16().to_string()).increment(1);
    histogram!("alertwire_http_request_seconds", "route" => route).record(seconds);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// HTTP/2 and absolute-form requests say the host in the URI.
fn answers_for(app: &App, request: &Request) -> bool {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let header = request
        .headers()
        .get(header::HOST)
        .map(|value| value.to_str().unwrap_or_default());
    match (header, authority) {
        (Some(host), _) | (None, Some(host)) => app.settings().answers_for(host),
        (None, None) => false,
    }
}

/// What is our fault goes to the log, with what the caller is not told.
pub(crate) fn log_failure(problem: &Problem, request_id: &str) {
    if problem.status().is_server_error() {
        tracing::error!(request_id, status = problem.status().as_u16(), reason = %sanitised(problem.for_log()), "a request failed");
    }
}

fn written_out(mut response: Response, request_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    log_failure(&problem, request_id);
    let allow = response.headers_mut().remove(header::ALLOW);
    let mut answer: Response = problem.answer(request_id);
    if let Some(allow) = allow {
        answer.headers_mut().entry(header::ALLOW).or_insert(allow);
    }
    answer
}

fn known(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// One line of the log stays one line, and no terminal is told what to do (security.md I9).
fn sanitised(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::sanitised;

    #[test]
    fn a_log_line_stays_one_line() {
        assert_eq!(
            sanitised("a\r\nb\u{1b}[31m\u{2028}c"),
            "a\u{fffd}\u{fffd}b\u{fffd}[31m\u{fffd}c"
        );
    }
}

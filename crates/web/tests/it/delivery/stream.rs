use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use domain::access::{Role, Scope};
use futures_util::StreamExt as _;
use http::Method;
use serde_json::json;
use testkit::Target;

use crate::console::delivery::{sent, try_it};
use crate::support::{Server, request};

/// A server whose streams look at once for what has happened, and whether their readers still may read.
async fn watchful() -> Server {
    Server::start_with(|settings| {
        settings.stream_look = Duration::from_millis(5);
        settings.stream_recheck = Duration::from_millis(5);
    })
    .await
}

/// A stream behind its first line, which says when it began.
async fn open(server: &Server, query: &str, last: Option<&str>) -> BodyDataStream {
    let path = format!("/api/v1/deliveries/stream?{query}");
    let mut request =
        request(Method::GET, &path).header("authorization", format!("Bearer {}", server.admin));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = server.open(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut lines = answer.into_body().into_data_stream();
    let begun = line(&mut lines).await;
    assert!(
        begun.starts_with("id: ") && !begun.contains("data"),
        "{begun}"
    );
    lines
}

async fn line(lines: &mut BodyDataStream) -> String {
    String::from_utf8(lines.next().await.unwrap().unwrap().to_vec()).unwrap()
}

/// The `id` of what a stream told.
fn mark(line: &str) -> &str {
    let id = line.lines().find_map(|line| line.strip_prefix("id: "));
    id.unwrap()
}

#[tokio::test]
async fn a_stream_tells_of_a_delivery_when_it_is_made_tried_and_parked() {
    let (server, target) = (watchful().await, Target::start().await);
    let (acme, globex) = (
        server.routed("Acme", &target).await,
        server.routed("Globex", &target).await,
    );
    sent(&server, &acme, "10.0.0.1").await;
    let mut live = open(&server, "company=Acme", None).await;
    sent(&server, &globex, "10.0.0.2").await;
    let made = sent(&server, &acme, "10.0.0.3").await;
    let first = line(&mut live).await;
    assert!(mark(&first).ends_with(&made), "{first}");
    assert!(first.contains("\"status\":\"pending\""), "{first}");
    try_it(&server, &acme, &made, 503).await;
    let tried = line(&mut live).await;
    assert!(mark(&tried).ends_with(&made), "{tried}");
    assert!(tried.contains("\"status_code\":503"), "{tried}");
    // Neither an event nor an attempt: what was told is looked at again.
    let path = format!("/api/v1/integrations/{}", acme.integration);
    let off = server.patch(&path, json!({"enabled": false})).await;
    off.expect(200);
    let parked = line(&mut live).await;
    assert!(mark(&parked).ends_with(&made), "{parked}");
    assert!(parked.contains("\"status\":\"parked\""), "{parked}");
    // Whoever comes again goes on from there, and may be told the same twice.
    let mut resumed = open(&server, "company=Acme", Some(mark(&first))).await;
    while !line(&mut resumed).await.contains(&made) {}
}

#[tokio::test]
async fn a_stream_tells_of_what_its_filter_lets_through_alone() {
    let (server, target) = (watchful().await, Target::start().await);
    let acme = server.routed("Acme", &target).await;
    let mut live = open(&server, "code=5xx&kind=system.*", None).await;
    let good = sent(&server, &acme, "10.0.0.1").await;
    let bad = sent(&server, &acme, "10.0.0.2").await;
    try_it(&server, &acme, &good, 404).await;
    try_it(&server, &acme, &bad, 503).await;
    let told = line(&mut live).await;
    assert!(told.contains(&bad) && !told.contains(&good), "{told}");
    // Whoever was told of it is told what becomes of it.
    server.clock.advance(Duration::from_secs(1));
    try_it(&server, &acme, &bad, 404).await;
    let told = line(&mut live).await;
    assert!(told.contains(&bad) && told.contains("404"), "{told}");
    for (query, place) in [("limit=5", "?limit"), ("code=bad", "?code")] {
        let path = format!("/api/v1/deliveries/stream?{query}");
        server.get(&path).await.field(place, "");
    }
}

#[tokio::test]
async fn a_stream_shows_no_other_company_s_deliveries() {
    let (server, target) = (watchful().await, Target::start().await);
    let (acme, globex) = (
        server.routed("Acme", &target).await,
        server.routed("Globex", &target).await,
    );
    let scope = Scope::Companies(vec![Server::company_id(&acme.company)]);
    let key = server.key(Role::Viewer, scope).await;
    let foreign = sent(&server, &globex, "10.0.0.1").await;
    // From the beginning of time.
    let stream = request(Method::GET, "/api/v1/deliveries/stream")
        .header("authorization", format!("Bearer {key}"))
        .header("last-event-id", "0");
    let answer = server.open(stream.body(Body::empty()).unwrap()).await;
    let mut lines = answer.into_body().into_data_stream();
    let own = sent(&server, &acme, "10.0.0.2").await;
    let mut told = String::new();
    while !told.contains(&own) {
        told.push_str(&line(&mut lines).await);
    }
    assert!(!told.contains(&foreign), "{told}");
    let path = format!("/api/v1/deliveries/stream?company={}", globex.company);
    let refused = server.call_as(&key, Method::GET, &path, None).await;
    refused.field("?company", "");
}

#[tokio::test]
async fn a_stream_ends_with_the_session_it_was_opened_under() {
    let server = watchful().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let live = request(Method::GET, "/api/v1/deliveries/stream").header("cookie", &anna.cookie);
    let live = server.open(live.body(Body::empty()).unwrap()).await;
    let mut lines = live.into_body().into_data_stream();
    let token = anna.form_token(&server).await;
    anna.post(&server, "/sign-out", &[("form_token", &token)])
        .await
        .expect(303);
    while lines.next().await.is_some() {}
}

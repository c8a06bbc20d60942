use std::time::Duration;

use axum::body::Body;
use domain::access::{Role, Scope};
use futures_util::{Stream, StreamExt as _};
use http::Method;
use serde_json::json;
use tower::ServiceExt as _;

use super::search::by;
use crate::browser::{Browser, PASSWORD};
use crate::support::{Server, id, request};

type Lines = std::pin::Pin<Box<dyn Stream<Item = Result<bytes::Bytes, axum::Error>> + Send>>;

async fn open(server: &Server, filter: &str, last: Option<&str>) -> Lines {
    let path = by(filter).replace("/events?", "/events/stream?");
    let mut request =
        request(Method::GET, &path).header("authorization", format!("Bearer {}", server.admin));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = web::router(server.app.clone())
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    Box::pin(answer.into_body().into_data_stream())
}

async fn line(lines: &mut Lines) -> String {
    String::from_utf8(lines.next().await.unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_stream_tells_of_what_its_filter_lets_through_alone() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.company("Globex").await;
    let before = server.asset_added("Acme", "10.0.0.1").await;
    let mut live = open(&server, "company=globex", None).await;
    let passed = server.asset_added("Acme", "10.0.0.2").await;
    // What does not fit is behind whoever comes again.
    assert_eq!(line(&mut live).await, format!("id: {passed}\n\n"));
    let told = server.asset_added("Globex", "10.0.0.3").await;
    let event = line(&mut live).await;
    assert!(
        event.contains(&format!("id: {told}")) && event.contains("10.0.0.3"),
        "{event}"
    );
    let mut resumed = open(&server, "company=globex", Some(&before)).await;
    assert!(line(&mut resumed).await.contains(&told));
}

#[tokio::test]
async fn a_stream_by_a_filter_that_cannot_be_read_is_refused() {
    let server = Server::start().await;
    let path = by("severty=high").replace("/events?", "/events/stream?");
    server.get(&path).await.field("?filter", "did you mean");
}

/// A server that asks at once whether a reader still may read.
async fn watchful() -> Server {
    Server::start_with(|settings| settings.stream_recheck = Duration::from_millis(5)).await
}

/// Everything that a stream says until it ends.
async fn rest(mut lines: Lines) -> String {
    let mut told = String::new();
    while let Some(line) = lines.next().await {
        told.push_str(&String::from_utf8_lossy(&line.unwrap()));
    }
    told
}

async fn watched(server: &Server, browser: &Browser) -> Lines {
    let request = request(Method::GET, "/api/v1/events/stream").header("cookie", &browser.cookie);
    let answer = server.open(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 200);
    Box::pin(answer.into_body().into_data_stream())
}

#[tokio::test]
async fn a_stream_ends_with_the_session_it_was_opened_under() {
    let server = watchful().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let live = watched(&server, &anna).await;
    let token = anna.form_token(&server).await;
    anna.post(&server, "/sign-out", &[("form_token", &token)])
        .await
        .expect(303);
    assert_eq!(rest(live).await, "");
}

#[tokio::test]
async fn a_stream_is_no_use_of_the_session() {
    let server = watchful().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let live = watched(&server, &anna).await;
    for _ in 0..2 {
        server.clock.advance(domain::session::IDLE / 2);
        tokio::task::yield_now().await;
    }
    assert_eq!(rest(live).await, "");
    anna.get(&server, "/events").await.expect(303);
}

#[tokio::test]
async fn a_stream_ends_with_the_key_it_was_opened_with() {
    let server = watchful().await;
    let live = open(&server, "severity>=info", None).await;
    let keys = server.get("/api/v1/keys").await.expect(200).json();
    let path = format!("/api/v1/keys/{}", id(&keys["items"][0]));
    server.delete(&path).await.expect(204);
    assert_eq!(rest(live).await, "");
}

#[tokio::test]
async fn a_stream_tells_of_the_companies_that_its_reader_may_see_by_now() {
    let server = watchful().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    let anna = server.user("Anna", Role::Viewer, own).await;
    let mut browser = Browser::default();
    browser.sign_in(&server, "Anna", PASSWORD).await.expect(303);
    let live = watched(&server, &browser).await;
    // Their sessions end with it, and the stream too: nothing of the other company is told under the old one.
    let path = format!("/api/v1/users/{anna}");
    server
        .patch(&path, json!({"companies": [globex]}))
        .await
        .expect(200);
    server.asset_added("Globex", "10.0.0.1").await;
    let told = rest(live).await;
    assert!(!told.contains("10.0.0.1"), "{told}");
}

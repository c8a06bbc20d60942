use axum::body::Body;
use futures_util::{Stream, StreamExt as _};
use http::Method;
use tower::ServiceExt as _;

use super::search::by;
use crate::support::{Server, request};

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

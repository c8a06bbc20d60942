use axum::body::Body;
use http::Method;
use testkit::Target;

use crate::support::{Server, request};

#[tokio::test]
async fn health_needs_no_key() {
    let server = Server::start().await;
    for path in ["/livez", "/readyz"] {
        server
            .send(request(Method::GET, path).body(Body::empty()).unwrap())
            .await
            .expect(200);
    }
    server
        .send(
            request(Method::GET, "/metrics")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .problem(401);
    let figures = server.get("/metrics").await.expect(200);
    assert!(figures.header("content-type").starts_with("text/plain"));
}

#[tokio::test]
async fn an_outbox_that_stands_still_is_not_ready() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.asset_added("Acme", "10.0.0.1").await;
    assert_eq!(
        server.get("/readyz").await.expect(200).json()["ready"],
        true
    );
    server.clock.advance(std::time::Duration::from_secs(301));
    let view = server.get("/readyz").await.expect(503).json();
    assert_eq!(
        (
            view["store_writable"].as_bool(),
            view["outbox_moving"].as_bool()
        ),
        (Some(true), Some(false))
    );
}

#[tokio::test]
async fn a_store_that_is_closed_is_not_ready() {
    let server = Server::start().await;
    server.app.store().clone().close().await;
    server
        .send(request(Method::GET, "/livez").body(Body::empty()).unwrap())
        .await
        .expect(200);
    let view = server
        .send(request(Method::GET, "/readyz").body(Body::empty()).unwrap())
        .await
        .expect(503)
        .json();
    assert_eq!(view["store_writable"], false);
    let answer = server
        .post("/api/v1/companies", serde_json::json!({"name": "Acme"}))
        .await;
    assert_eq!(answer.header("retry-after"), "1");
    answer.problem(503);
}

use axum::body::Body;
use http::Method;
use serde_json::json;

use crate::support::{Server, request};

#[tokio::test]
async fn the_catalogue_lists_kinds_by_category() {
    let server = Server::start().await;
    let view = server.get("/api/v1/catalog").await.expect(200).json();
    assert_eq!(view["categories"].as_array().unwrap().len(), 8);
    assert_eq!(view["categories"][0]["name"], "System Changes");
    let kind = &view["categories"][0]["events"][0];
    assert!(
        kind["code"].as_str().unwrap().starts_with("system.")
            && kind["fields"][0]["type"].is_string(),
        "{kind}"
    );
}

#[tokio::test]
async fn a_payload_is_read_without_being_stored_whatever_it_is() {
    let server = Server::start().await;
    let parse = async |query: &str, body: &'static str| {
        let request = request(Method::POST, &format!("/api/v1/parse{query}"))
            .header("content-type", "text/plain");
        let request = request.header("authorization", format!("Bearer {}", server.admin));
        server
            .send(request.body(Body::from(body)).unwrap())
            .await
            .expect(200)
            .json()
    };
    let sample =
        r#"{"subject": "Asset Ports", "body": "Open Port 53/udp Discovered for Asset 10.0.0.5"}"#;
    let read = parse("", sample).await;
    assert_eq!(
        (
            read["event"].as_str(),
            read["records"][0]["protocol"].as_str()
        ),
        (Some("system.port_open_probe"), Some("udp"))
    );
    assert!(read.get("spans").is_none());
    assert!(parse("?spans=true", sample).await["spans"].is_array());
    assert_eq!(parse("", "hello").await["decode"], "failed");
    assert_eq!(
        server.get("/api/v1/events").await.json()["items"],
        json!([])
    );
    let request = request(Method::POST, "/api/v1/parse?spans=maybe")
        .header("authorization", format!("Bearer {}", server.admin));
    server
        .send(request.body(Body::from("{}")).unwrap())
        .await
        .field("?spans", "true");
}

#[tokio::test]
async fn an_event_is_rendered_without_being_stored() {
    let server = Server::start().await;
    let form = json!({"event": "system.asset_added", "fields": {"ip": "10.0.0.5"}});
    let rendered = server.post("/api/v1/render", form).await.expect(200).json();
    assert_eq!(
        rendered,
        json!({"subject": "New Asset(s) Added", "body": "New asset added with ip 10.0.0.5"})
    );
    let bad = json!({"event": "system.asset_added", "fields": {"ipp": "10.0.0.5"}});
    server
        .post("/api/v1/render", bad)
        .await
        .field("/fields/ipp", "did you mean `ip`?");
    server
        .post("/api/v1/render", json!({"event": "system.aset_added"}))
        .await
        .field("/event", "did you mean");
}

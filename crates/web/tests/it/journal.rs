use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn a_message_of_several_companies_is_raw_only_for_who_sees_all_of_it() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    server.company("Globex").await;
    let asset = |company: &str| json!({"event": "system.asset_added", "company": company, "fields": {"ip": "10.0.0.1"}});
    let raised = server
        .post("/api/v1/events", json!([asset("Acme"), asset("Globex")]))
        .await
        .expect(202)
        .json();
    let path = format!("/api/v1/journal/{}", raised["journal_id"].as_str().unwrap());
    let key = server
        .key(
            Role::Viewer,
            Scope::Companies(vec![Server::company_id(&acme)]),
        )
        .await;
    let message = server
        .call_as(&key, Method::GET, &path, None)
        .await
        .expect(200)
        .json();
    assert_eq!(message["events"], json!([raised["items"][0]["id"]]));
    server
        .call_as(&key, Method::GET, &format!("{path}/raw"), None)
        .await
        .problem(404);
    let raw = server.get(&format!("{path}/raw")).await.expect(200);
    assert!(raw.text().contains("Globex"));
    let message = server.get(&path).await.expect(200).json();
    assert_eq!(message["headers"]["authorization"], "[hidden]");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    for path in [
        "/api/v1/journal/x",
        "/api/v1/journal/0190b7a0-0000-7000-8000-000000000000/raw",
    ] {
        server.get(path).await.problem(404);
    }
}

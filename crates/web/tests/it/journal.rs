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

#[tokio::test]
async fn the_proof_tells_how_far_it_is_and_what_it_comes_to() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.asset_added("Acme", "10.0.0.1").await;
    let request = crate::support::request(Method::POST, "/api/v1/journal/verify")
        .header("authorization", format!("Bearer {}", server.admin))
        .header("accept", "text/event-stream");
    let told = server
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await
        .expect(200)
        .text();
    for event in ["event: progress", "event: report", "\"whole\":true"] {
        assert!(told.contains(event), "{event}: {told}");
    }
    let sealed = server.app.store().seal_journal(10).await.unwrap();
    assert_eq!(sealed, 1);
    let report = server
        .post("/api/v1/journal/verify", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            &report["sealed"],
            &report["unsealed"],
            &report["days"][0]["whole"]
        ),
        (&json!(1), &json!(0), &json!(true))
    );
}

#[tokio::test]
async fn receipts_are_proved_one_by_one() {
    let server = Server::start().await;
    server.company("Acme").await;
    let event =
        json!({"event": "system.asset_added", "company": "Acme", "fields": {"ip": "10.0.0.1"}});
    let raised = server
        .post("/api/v1/events", event)
        .await
        .expect(202)
        .json();
    let journal = format!("/api/v1/journal/{}", raised["journal_id"].as_str().unwrap());
    let message = server.get(&journal).await.expect(200).json();
    let receipt =
        json!({"id": message["id"], "sha256": message["sha256"], "events": message["events"]});
    let mut altered = receipt.clone();
    altered["sha256"] = json!("ab".repeat(32));
    let mut missing = receipt.clone();
    missing["id"] = json!("0190b7a0-0000-7000-8000-000000000000");
    let body = json!({"receipts": [receipt, altered, missing]});
    let view = server
        .post("/api/v1/journal/receipts", body)
        .await
        .expect(200)
        .json();
    let states: Vec<&str> = view["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        (&view["whole"], &view["kept"], states),
        (&json!(false), &json!(1), vec!["altered", "missing"])
    );
    let bad = json!({"receipts": [{"id": "x", "sha256": "", "events": []}]});
    server
        .post("/api/v1/journal/receipts", bad)
        .await
        .field("/receipts/0", "no receipt");
}

#[tokio::test]
async fn only_an_admin_of_all_companies_may_prove_the_journal() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let scope = Scope::Companies(vec![Server::company_id(&acme)]);
    for (role, scope) in [(Role::Operator, Scope::All), (Role::Admin, scope)] {
        let key = server.key(role, scope).await;
        for path in ["/api/v1/journal/verify", "/api/v1/journal/receipts"] {
            let body = json!({"receipts": []});
            server
                .call_as(&key, Method::POST, path, Some(&body))
                .await
                .problem(403);
        }
    }
}

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::{Server, id};

async fn rows(server: &Server, query: &str) -> Vec<Value> {
    let list = server
        .get(&format!("/api/v1/audit?{query}"))
        .await
        .expect(200);
    list.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_log_tells_old_and_new_and_never_a_secret() {
    let (server, target) = (Server::start().await, Target::start().await);
    let integration = server.integration("Tickets", &target).await;
    let path = format!("/api/v1/integrations/{integration}");
    let patch = json!({"name": "Desk", "credentials": {"header_value": "canary-other-5678", "header_key": "X-Other"}});
    server.patch(&path, patch).await.expect(200);
    let updates = rows(&server, &format!("target={integration}&action=update")).await;
    let changes = &updates[0]["detail"]["changes"];
    assert_eq!(changes["/name"], json!({"old": "Tickets", "new": "Desk"}));
    assert_eq!(
        changes["/secrets/header_value"],
        json!({"old": "set", "new": "changed"})
    );
    assert_eq!(changes["/fields/header_key"]["new"], "X-Other");
    let checks = rows(&server, "action=check").await;
    assert_eq!(checks[0]["detail"]["ok"], true);
    server
        .source(json!({"name": "Door", "authentication": {"basic": {"username": "scanner", "password": "canary-door"}}}))
        .await;
    let sources = rows(&server, "what=source").await;
    assert_eq!(
        sources[0]["detail"]["changes"]["/basic/password"],
        json!({"old": null, "new": "set"})
    );
    let log = server.get("/api/v1/audit").await.expect(200).text();
    for secret in ["canary", "5678", "1234", "digest"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn the_log_is_narrowed_by_its_filters() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    let begun = server.clock.now();
    let key = server
        .post("/api/v1/keys", json!({"name": "CI", "role": "admin"}))
        .await
        .expect(201)
        .json();
    let secret = key["key"].as_str().unwrap();
    let form = json!({"name": "Globex"});
    let made = server
        .call_as(secret, Method::POST, "/api/v1/companies", Some(&form))
        .await
        .expect(201)
        .json();
    for query in ["actor=CI".to_owned(), format!("actor={}", id(&key))] {
        let found = rows(&server, &query).await;
        assert_eq!(
            (found.len(), &found[0]["target"]),
            (1, &made["id"]),
            "{query}"
        );
    }
    let acme = rows(&server, &format!("target={company}")).await;
    let epoch = acme[0]["epoch"].as_u64().unwrap();
    assert_eq!(rows(&server, &format!("epoch={epoch}")).await, acme);
    assert_eq!(rows(&server, "actor=local&what=key").await.len(), 1);
    assert_eq!(
        rows(&server, &format!("until={begun}&what=company"))
            .await
            .len(),
        0
    );
    assert_eq!(
        rows(&server, &format!("since={begun}&what=company"))
            .await
            .len(),
        2
    );
    server
        .get("/api/v1/audit?epoch=x")
        .await
        .field("?epoch", "whole number");
    server
        .get("/api/v1/audit?since=yesterday")
        .await
        .field("?since", "");
    server
        .get("/api/v1/audit?whom=x")
        .await
        .field("?whom", "what, target, actor");
}

#[tokio::test]
async fn the_log_takes_an_admin() {
    let server = Server::start().await;
    let operator = server.key(Role::Operator, Scope::All).await;
    server
        .call_as(&operator, Method::GET, "/api/v1/audit?what=company", None)
        .await
        .problem(403);
}

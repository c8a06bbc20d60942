use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;

use crate::support::{Server, id, request};

#[tokio::test]
async fn a_call_without_a_good_key_is_unauthorized() {
    let server = Server::start().await;
    for value in [
        "",
        "Bearer",
        "Bearer nonsense",
        "Basic bWU6bWU=",
        "bearer  ",
    ] {
        let request = request(Method::GET, "/api/v1/companies").header("authorization", value);
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert!(
            answer.header("www-authenticate").starts_with("Bearer"),
            "{value}"
        );
        answer.problem(401);
    }
}

#[tokio::test]
async fn a_role_may_do_what_is_its_own_and_no_more() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    let viewer = server.key(Role::Viewer, Scope::All).await;
    let operator = server.key(Role::Operator, Scope::All).await;
    let event =
        json!({"event": "system.asset_added", "company": "Acme", "fields": {"ip": "10.0.0.1"}});
    let form = json!({"name": "Globex"});
    server
        .call_as(&viewer, Method::GET, "/api/v1/companies", None)
        .await
        .expect(200);
    server
        .call_as(&viewer, Method::POST, "/api/v1/events", Some(&event))
        .await
        .problem(403);
    server
        .call_as(&viewer, Method::POST, "/api/v1/companies", Some(&form))
        .await
        .problem(403);
    server
        .call_as(&operator, Method::POST, "/api/v1/events", Some(&event))
        .await
        .expect(202);
    server
        .call_as(&operator, Method::POST, "/api/v1/companies", Some(&form))
        .await
        .problem(403);
    server
        .call_as(&operator, Method::GET, "/api/v1/audit", None)
        .await
        .problem(403);
    let narrow = server
        .key(
            Role::Admin,
            Scope::Companies(vec![Server::company_id(&company)]),
        )
        .await;
    server
        .call_as(&narrow, Method::POST, "/api/v1/companies", Some(&form))
        .await
        .problem(403);
}

#[tokio::test]
async fn a_key_is_shown_once_and_ends_when_it_is_removed() {
    let server = Server::start().await;
    server.company("Acme").await;
    let made = server
        .post(
            "/api/v1/keys",
            json!({"name": "CI", "role": "viewer", "companies": ["Acme"]}),
        )
        .await
        .expect(201)
        .json();
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(
        (
            made["role"].as_str(),
            made["companies"].as_array().map(Vec::len)
        ),
        (Some("viewer"), Some(1))
    );
    server
        .call_as(&key, Method::GET, "/api/v1/companies", None)
        .await
        .expect(200);
    let audit = server.get("/api/v1/audit").await.expect(200).text();
    assert!(audit.contains("\"CI\"") && !audit.contains(&key), "{audit}");
    let path = format!("/api/v1/keys/{}", id(&made));
    server
        .call_as(&server.admin, Method::DELETE, &path, None)
        .await
        .expect(204);
    server
        .call_as(&key, Method::GET, "/api/v1/companies", None)
        .await
        .problem(401);
    server
        .call_as(&server.admin, Method::DELETE, &path, None)
        .await
        .problem(404);
    server
        .post("/api/v1/keys", json!({"name": "X", "role": "root"}))
        .await
        .field("/role", "admin, operator or viewer");
    server
        .post(
            "/api/v1/keys",
            json!({"name": "X", "role": "viewer", "companies": []}),
        )
        .await
        .field("/companies", "at least one");
}

#[tokio::test]
async fn every_change_is_put_down_to_its_key() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    let audit = server.get("/api/v1/audit?limit=1").await.expect(200).json();
    let row = &audit["items"][0];
    assert_eq!(
        (
            row["action"].as_str(),
            row["what"].as_str(),
            row["target"].as_str()
        ),
        (Some("insert"), Some("company"), Some(company.as_str()))
    );
    assert!(row["actor"]["key"]["id"].is_string(), "{row}");
    assert!(audit["next"].is_string());
}

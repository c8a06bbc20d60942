use serde_json::json;
use testkit::{Answer, Target};

use crate::support::Server;

#[tokio::test]
async fn a_rule_links_an_authenticated_integration_with_a_set() {
    let (server, target) = (Server::start().await, Target::start().await);
    let (integration, set) = (
        server.integration("Hook", &target).await,
        server.event_set("Set").await,
    );
    let path = format!("/api/v1/integrations/{integration}/rules");
    let form = json!({"name": "High ones", "event_set_id": set, "matchers": ["severity=~\"high|critical\""]});
    let rule = server.post(&path, form).await.expect(201).json();
    assert_eq!(rule["matchers"], json!(["severity=~\"high|critical\""]));
    assert_eq!(
        server.get(&path).await.expect(200).json()["items"],
        json!([rule])
    );
}

#[tokio::test]
async fn a_rule_before_authentication_is_a_conflict_that_names_the_step() {
    let (server, target) = (Server::start().await, Target::start().await);
    target.answer(Answer::status(500));
    let (integration, set) = (
        server.integration("Hook", &target).await,
        server.event_set("Set").await,
    );
    let path = format!("/api/v1/integrations/{integration}/rules");
    let problem = server
        .post(&path, json!({"name": "R", "event_set_id": set}))
        .await
        .problem(409);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("Credentials") && detail.contains("/check"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_bad_matcher_is_named() {
    let (server, target) = (Server::start().await, Target::start().await);
    let (integration, set) = (
        server.integration("Hook", &target).await,
        server.event_set("Set").await,
    );
    let path = format!("/api/v1/integrations/{integration}/rules");
    let check = async |matcher: &str, words: &str| {
        let form = json!({"name": "R", "event_set_id": set, "matchers": ["event=x", matcher]});
        server.post(&path, form).await.field("/matchers/1", words);
    };
    check("severty>=high", "did you mean `severity`?").await;
    check("company=Acme", "must not ask for `company`").await;
    check("subject=~\"(\"", "regular expression").await;
    server
        .post(&path, json!({"name": "R", "event_set_id": "x"}))
        .await
        .field("/event_set_id", "no event set");
}

#[tokio::test]
async fn a_set_names_known_events() {
    let server = Server::start().await;
    let check = async |events: serde_json::Value, pointer: &str, words: &str| {
        server
            .post("/api/v1/event-sets", json!({"name": "S", "events": events}))
            .await
            .field(pointer, words);
    };
    check(
        json!(["system.asset_aded"]),
        "/events/0",
        "did you mean `system.asset_added`?",
    )
    .await;
    check(json!([]), "/events", "at least one").await;
    server
        .post(
            "/api/v1/event-sets",
            json!({"name": "S", "notify_by": "asset_", "events": ["system.asset_added"]}),
        )
        .await
        .field("/notify_by", "did you mean `asset`?");
    let id = server.event_set("Good").await;
    let set = server
        .get(&format!("/api/v1/event-sets/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            set["notify_by"].as_str(),
            set["events"].as_array().map(Vec::len)
        ),
        (Some("event"), Some(2))
    );
    assert_eq!(
        server.get("/api/v1/event-sets").await.json()["items"],
        json!([set])
    );
}

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

#[tokio::test]
async fn a_rule_is_changed_and_goes_when_no_mapping_names_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let other = server.event_set("Other").await;
    let of = format!("/api/v1/integrations/{}", routed.integration);
    let path = format!("{of}/rules/{}", routed.rule);
    let made = server.get(&path).await.expect(200).json();
    let patch = json!({"event_set_id": other, "matchers": ["severity>=high"]});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(
        (
            &changed["name"],
            &changed["event_set_id"],
            &changed["matchers"]
        ),
        (&made["name"], &json!(other), &json!(["severity>=high"]))
    );
    assert_eq!(server.get(&path).await.expect(200).json(), changed);
    server
        .patch(&path, json!({"matchers": ["company=x"]}))
        .await
        .field("/matchers/0", "must not ask for `company`");
    let problem = server.delete(&path).await.problem(409);
    assert_eq!(
        problem["used_by"],
        json!([{"what": "mapping", "id": routed.company, "name": "Acme"}])
    );
    server
        .delete(&format!("{of}/mappings/{}", routed.company))
        .await
        .expect(204);
    server.delete(&path).await.expect(204);
    server.get(&path).await.problem(404);
}

#[tokio::test]
async fn a_rule_is_its_integration_s_alone_and_waits_for_its_credentials() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let other = server.integration("Other", &target).await;
    let elsewhere = format!("/api/v1/integrations/{other}/rules/{}", routed.rule);
    server.get(&elsewhere).await.problem(404);
    server.patch(&elsewhere, json!({})).await.problem(404);
    server.delete(&elsewhere).await.problem(404);
    target.answer(Answer::status(500));
    let of = format!("/api/v1/integrations/{}", routed.integration);
    server
        .post(&format!("{of}/check"), json!({}))
        .await
        .expect(200);
    let path = format!("{of}/rules/{}", routed.rule);
    server.patch(&path, json!({"name": "X"})).await.problem(409);
}

#[tokio::test]
async fn a_set_is_changed_and_goes_when_no_rule_links_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let sets = server.get("/api/v1/event-sets").await.expect(200).json();
    let path = format!(
        "/api/v1/event-sets/{}",
        crate::support::id(&sets["items"][0])
    );
    let patch = json!({"notify_by": "asset", "critical_bypass": true});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["notify_by"], &changed["events"]),
        (
            &json!("Set of Acme"),
            &json!("asset"),
            &sets["items"][0]["events"]
        )
    );
    server
        .patch(&path, json!({"events": ["system.asset_aded"]}))
        .await
        .field("/events/0", "did you mean `system.asset_added`?");
    let problem = server.delete(&path).await.problem(409);
    assert_eq!(problem["used_by"][0]["name"], "Rule of Acme");
    server
        .delete(&format!("/api/v1/integrations/{}", routed.integration))
        .await
        .expect(200);
    server.delete(&path).await.expect(204);
    server.patch(&path, json!({})).await.problem(404);
}

#[tokio::test]
async fn a_rule_that_is_switched_off_makes_no_alerts_until_it_is_on_again() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let path = format!(
        "/api/v1/integrations/{}/rules/{}",
        routed.integration, routed.rule
    );
    assert_eq!(server.get(&path).await.json()["enabled"], true);
    let routing = async |ip: &str| {
        let event = server.asset_added(&routed.company, ip).await;
        let event = server.get(&format!("/api/v1/events/{event}")).await.json();
        (event["routing"].clone(), event.to_string())
    };
    let (on, _) = routing("10.0.0.1").await;
    server
        .patch(&path, json!({"enabled": false}))
        .await
        .expect(200);
    let (off, event) = routing("10.0.0.2").await;
    assert_ne!(on, off);
    assert!(event.contains("no_rule"), "{event}");
    let exported = server.get("/api/v1/configuration").await.json();
    assert_eq!(exported["integrations"][0]["rules"][0]["enabled"], false);
    server
        .patch(&path, json!({"enabled": true}))
        .await
        .expect(200);
    assert_eq!(routing("10.0.0.3").await.0, on);
    let audit = server.get("/api/v1/audit?what=rule&action=update").await;
    let change = &audit.json()["items"][0];
    assert!(change.to_string().contains("enabled"), "{change}");
}

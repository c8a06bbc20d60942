mod check;
mod release;
mod rotate_secret;

use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::support::{Server, id};

fn form(target: &Target, more: Value) -> Value {
    let mut credentials = json!({"webhook_url": target.url("/hook")});
    credentials
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"connector": "webhook", "name": "Hook", "credentials": credentials})
}

fn names(report: &Value) -> Vec<&str> {
    report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["name"].as_str())
        .collect()
}

#[tokio::test]
async fn good_credentials_are_stored_and_authenticated_by_a_marked_test_alert() {
    let (server, target) = (Server::start().await, Target::start().await);
    let made = server
        .post("/api/v1/integrations", form(&target, json!({})))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (made["status"].as_str(), made["check"]["ok"].as_bool()),
        (Some("authenticated"), Some(true))
    );
    for key in ["name", "ok", "detail", "millis"] {
        assert!(!made["check"]["steps"][0][key].is_null(), "{made}");
    }
    let sent = target.received();
    assert_eq!(
        (sent.len(), sent[0].header("alertwire-event")),
        (1, Some("test"))
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&sent[0].body).unwrap()["subject"],
        "Alertwire Test"
    );
    assert_eq!(
        server
            .get(&format!("/api/v1/integrations/{}", id(&made)))
            .await
            .expect(200)
            .json(),
        made
    );
    assert_eq!(
        server.get("/api/v1/integrations").await.expect(200).json()["items"],
        json!([made])
    );
}

#[tokio::test]
async fn bad_credentials_are_stored_too_and_say_where_they_failed() {
    let (server, target) = (Server::start().await, Target::start().await);
    target.answer(Answer::status(403));
    let made = server
        .post("/api/v1/integrations", form(&target, json!({})))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (made["status"].as_str(), made["check"]["ok"].as_bool()),
        (Some("failed"), Some(false))
    );
    assert_eq!(names(&made["check"]).last(), Some(&"status"));
    target.answer(Answer::ok());
    let path = format!("/api/v1/integrations/{}", id(&made));
    let check = server
        .call_as(&server.admin, Method::POST, &format!("{path}/check"), None)
        .await
        .expect(200)
        .json();
    assert_eq!(check["ok"], true, "{check}");
    assert_eq!(server.get(&path).await.json()["status"], "authenticated");
}

#[tokio::test]
async fn secrets_are_never_read_back() {
    let (server, target) = (Server::start().await, Target::start().await);
    let secrets = json!({"header_key": "X-Key", "header_value": "canary-header-7788", "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    let made = server
        .post("/api/v1/integrations", form(&target, secrets))
        .await
        .expect(201);
    assert!(
        !made.text().contains("canary") && !made.text().contains("MfKQ"),
        "{}",
        made.text()
    );
    let made = made.json();
    assert_eq!(
        made["credentials"]["header_value"],
        json!({"set": true, "last4": "7788"})
    );
    assert_eq!(made["credentials"]["header_key"], "X-Key");
    assert_eq!(
        target.received()[0].header("x-key"),
        Some("canary-header-7788")
    );
    for path in ["/api/v1/integrations", "/api/v1/audit"] {
        let text = server.get(path).await.expect(200).text();
        assert!(!text.contains("canary"), "{path}: {text}");
    }
}

#[tokio::test]
async fn every_bad_field_of_an_integration_is_named() {
    let (server, target) = (Server::start().await, Target::start().await);
    let check = async |change: Value, pointer: &str, words: &str| {
        let mut form = form(&target, json!({}));
        form.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        server
            .post("/api/v1/integrations", form)
            .await
            .field(pointer, words);
    };
    check(json!({"connector": "webhok"}), "/connector", "webhook").await;
    check(
        json!({"credentials": {"webhook_url": "http://example.com/"}}),
        "/credentials/webhook_url",
        "https",
    )
    .await;
    check(
        json!({"credentials": {"webhook_url": "https://169.254.169.254/"}}),
        "/credentials/webhook_url",
        "blocked by egress policy",
    )
    .await;
    check(
        json!({"credentials": {"webhok_url": "https://example.com/"}}),
        "/credentials/webhok_url",
        "webhook_url",
    )
    .await;
    check(
        json!({"companies": ["nobody"]}),
        "/companies/0",
        "no company",
    )
    .await;
    check(
        json!({"delivery": {"concurrency": 0}}),
        "/delivery/concurrency",
        "1 to 256",
    )
    .await;
    check(
        json!({"delivery": {"tmeout": "1s"}}),
        "/delivery/tmeout",
        "did you mean `timeout`?",
    )
    .await;
    check(json!({"nmae": "x"}), "/nmae", "did you mean `name`?").await;
    assert!(target.received().is_empty());
    assert_eq!(
        server.get("/api/v1/integrations").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_person_switches_an_integration_off_and_on() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = format!(
        "/api/v1/integrations/{}",
        server.integration("Hook", &target).await
    );
    let off = server
        .patch(&path, json!({"enabled": false}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (off["status"].as_str(), off["enabled"].as_bool()),
        (Some("disabled"), Some(false))
    );
    assert!(off["status_reason"].is_string());
    let on = server
        .patch(&path, json!({"enabled": true, "name": "Renamed"}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (on["status"].as_str(), on["name"].as_str()),
        (Some("authenticated"), Some("Renamed"))
    );
}

#[tokio::test]
async fn secrets_do_not_follow_a_url_to_another_host() {
    let (server, target, other) = (
        Server::start().await,
        Target::start().await,
        Target::start().await,
    );
    let path = format!(
        "/api/v1/integrations/{}",
        server.integration("Hook", &target).await
    );
    let moved = json!({"credentials": {"webhook_url": other.url("/hook")}});
    server
        .patch(&path, moved)
        .await
        .field("/credentials/header_value", "typed again");
    assert!(other.received().is_empty());
    assert_eq!(server.get(&path).await.json()["status"], "authenticated");
    let moved = json!({"credentials": {"webhook_url": other.url("/hook"), "header_value": "another-secret-9999"}});
    let changed = server.patch(&path, moved).await.expect(200).json();
    assert_eq!(changed["status"], "authenticated", "{changed}");
    assert_eq!(changed["credentials"]["header_value"]["last4"], "9999");
    assert_eq!(
        other.received()[0].header("x-api-key"),
        Some("another-secret-9999")
    );
    // Another path of the same host keeps them.
    let stays = json!({"credentials": {"webhook_url": other.url("/elsewhere")}});
    server.patch(&path, stays).await.expect(200);
    assert_eq!(
        other.received().last().unwrap().header("x-api-key"),
        Some("another-secret-9999")
    );
}

#[tokio::test]
async fn finish_sends_a_test_alert_or_says_why_not() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = format!(
        "/api/v1/integrations/{}/finish",
        server.integration("Hook", &target).await
    );
    server
        .call_as(&server.admin, Method::POST, &path, None)
        .await
        .expect(200);
    target.answer(Answer::status(503));
    let problem = server
        .call_as(&server.admin, Method::POST, &path, None)
        .await
        .problem(502);
    assert_eq!(problem["title"], "Error Sending Request for URL");
    for key in ["cause", "remedy", "whitelisting"] {
        assert!(
            problem[key].as_str().is_some_and(|text| !text.is_empty()),
            "{key}: {problem}"
        );
    }
    assert!(
        problem["whitelisting"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:8080/")
    );
    server.get("/api/v1/whitelisting").await.expect(200);
}

#[tokio::test]
async fn finish_takes_an_authenticated_integration() {
    let (server, target) = (Server::start().await, Target::start().await);
    target.answer(Answer::status(500));
    let id = server.integration("Hook", &target).await;
    let path = format!("/api/v1/integrations/{id}/finish");
    let problem = server
        .call_as(&server.admin, Method::POST, &path, None)
        .await
        .problem(409);
    assert!(
        problem["detail"].as_str().unwrap().contains("Credentials"),
        "{problem}"
    );
}

#[tokio::test]
async fn test_sends_by_hand_have_a_limit() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = format!(
        "/api/v1/integrations/{}/check",
        server.integration("Hook", &target).await
    );
    for _ in 0..10 {
        server
            .call_as(&server.admin, Method::POST, &path, None)
            .await
            .expect(200);
    }
    let answer = server
        .call_as(&server.admin, Method::POST, &path, None)
        .await;
    assert_eq!(answer.header("retry-after"), "60");
    answer.problem(429);
    server.clock.advance(std::time::Duration::from_secs(60));
    server
        .call_as(&server.admin, Method::POST, &path, None)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_removed_integration_says_what_ends_with_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let path = format!("/api/v1/integrations/{}", routed.integration);
    let event = server.asset_added("Acme", "10.0.0.1").await;
    server.asset_added("Acme", "10.0.0.2").await;
    let removed = server.delete(&path).await.expect(200).json();
    assert_eq!(
        (&removed["name"], &removed["dead_deliveries"]),
        (&json!("To Acme"), &json!(2))
    );
    server.get(&path).await.problem(404);
    server.get(&format!("{path}/rules")).await.problem(404);
    server.delete(&path).await.problem(404);
    let deliveries = server
        .get(&format!("/api/v1/deliveries?event={event}"))
        .await;
    let delivery = &deliveries.expect(200).json()["items"][0];
    assert_eq!(
        (&delivery["status"], &delivery["integration"]["name"]),
        (&json!("dead"), &json!(null))
    );
}

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::{Server, id};

const REPLAYS: &str = "/api/v1/replays";

async fn order(server: &Server, id: &str, asked: &str) -> crate::support::Answer {
    server
        .post(&format!("{REPLAYS}/{id}/{asked}"), json!({}))
        .await
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    for ip in ["10.0.0.1", "10.0.0.2"] {
        server.asset_added("Acme", ip).await;
    }
    let body = json!({"filter": {"company": "Acme"}, "dry_run": true});
    let preview = server.post(REPLAYS, body).await.expect(200).json();
    let wanted =
        json!({"count": 2, "retry": 2, "new": 0, "skip": 0, "looked_at": 2, "truncated": false});
    assert_eq!(preview, wanted);
    let list = server.get(REPLAYS).await.expect(200).json();
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_replay_is_begun_shown_and_steered() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.asset_added("Acme", "10.0.0.1").await;
    let body = json!({"filter": {"status": "pending"}, "rate_per_second": 2});
    let begun = server.post(REPLAYS, body).await.expect(202).json();
    assert_eq!(
        (&begun["state"], &begun["filter"], &begun["left"]),
        (&json!("running"), &json!({"status": "pending"}), &json!(1))
    );
    assert!(begun["eta"].is_string());
    let id = id(&begun);
    let path = format!("{REPLAYS}/{id}");
    assert_eq!(server.get(&path).await.expect(200).json(), begun);
    for (asked, state) in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
    ] {
        let view = order(&server, &id, asked).await.expect(200).json();
        assert_eq!(view["state"], state);
        assert_eq!(view["eta"].is_string(), state == "running");
    }
    let problem = order(&server, &id, "resume").await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("cancelled"));
    let list = server.get(REPLAYS).await.expect(200).json();
    assert_eq!(list["items"][0]["state"], "cancelled");
    let audit = server.get("/api/v1/audit").await.expect(200).json();
    let actions: Vec<&Value> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["target"] == json!(id))
        .map(|line| &line["action"])
        .collect();
    assert_eq!(actions, ["cancel", "resume", "pause", "start"]);
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_by_its_field() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let nobody = "0190b7a0-0000-7000-8000-000000000000";
    for (body, pointer, words) in [
        (json!({}), "", "either"),
        (
            json!({"filter": {"status": "dead"}, "unrouted": {}}),
            "",
            "either",
        ),
        (json!({"filter": {}}), "/filter", "at least one key"),
        (
            json!({"filter": {"status": "lost"}}),
            "/filter/status",
            "parked",
        ),
        (
            json!({"filter": {"reason": "bored"}}),
            "/filter/reason",
            "bored",
        ),
        (
            json!({"filter": {"fault": "mine"}}),
            "/filter/fault",
            "receiver or ours",
        ),
        (
            json!({"filter": {"limit": "3"}}),
            "/filter/limit",
            "all that fits",
        ),
        (
            json!({"filter": {"sort": "up"}}),
            "/filter/sort",
            "not a field",
        ),
        (
            json!({"unrouted": {"routing": "routed"}}),
            "/unrouted/routing",
            "unrouted",
        ),
        (
            json!({"unrouted": {}, "to": routed.integration}),
            "/to",
            "filter",
        ),
        (
            json!({"filter": {"status": "dead"}, "to": nobody}),
            "/to",
            "no integration",
        ),
        (
            json!({"filter": {"status": "dead"}, "rate_per_second": 0}),
            "/rate_per_second",
            "10000",
        ),
    ] {
        server.post(REPLAYS, body).await.field(pointer, words);
    }
    let viewer = server.key(Role::Viewer, Scope::All).await;
    let body = json!({"filter": {"status": "dead"}});
    server
        .call_as(&viewer, Method::POST, REPLAYS, Some(&body))
        .await
        .problem(403);
}

#[tokio::test]
async fn only_so_many_replays_run_at_once() {
    let server = Server::start().await;
    let body = json!({"filter": {"status": "dead"}});
    for _ in 0..8 {
        server.post(REPLAYS, body.clone()).await.expect(202);
    }
    let problem = server.post(REPLAYS, body.clone()).await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("cancel one"));
    let list = server.get(REPLAYS).await.json();
    order(&server, &id(&list["items"][0]), "cancel")
        .await
        .expect(200);
    server.post(REPLAYS, body).await.expect(202);
}

#[tokio::test]
async fn a_dry_run_of_unrouted_events_tells_what_todays_rules_would_do() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server.company("Globex").await;
    server.asset_added("Globex", "10.0.0.1").await;
    let mapping = format!(
        "/api/v1/integrations/{}/mappings/{}",
        routed.integration, routed.company
    );
    let map = |on| json!({"rules": [routed.rule], "create_webhook_alert": on});
    server.put(&mapping, map(false)).await.expect(200);
    server.asset_added("Acme", "10.0.0.2").await;
    server.put(&mapping, map(true)).await.expect(200);
    let body = json!({"unrouted": {}, "dry_run": true});
    let preview = server.post(REPLAYS, body).await.expect(200).json();
    let wanted =
        json!({"count": 2, "retry": 0, "new": 1, "skip": 1, "looked_at": 2, "truncated": false});
    assert_eq!(preview, wanted);
    let begun = server
        .post(REPLAYS, json!({"unrouted": {"company": "Acme"}}))
        .await
        .expect(202)
        .json();
    assert_eq!(
        (&begun["unrouted"], &begun["total"], &begun["filter"]),
        (&json!({"company": "Acme"}), &json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_key_for_some_companies_replays_and_sees_no_more_than_theirs() {
    let (server, target) = (Server::start().await, Target::start().await);
    let (acme, globex) = (
        server.routed("Acme", &target).await,
        server.routed("Globex", &target).await,
    );
    server.asset_added("Acme", "10.0.0.1").await;
    server.asset_added("Globex", "10.0.0.2").await;
    let key = |company: &str| {
        let scope = Scope::Companies(vec![Server::company_id(company)]);
        server.key(Role::Operator, scope)
    };
    let (own, other) = (key(&acme.company).await, key(&globex.company).await);
    let body = json!({"filter": {"status": "pending"}});
    let begun = server
        .call_as(&own, Method::POST, REPLAYS, Some(&body))
        .await
        .expect(202)
        .json();
    assert_eq!(begun["total"], 1);
    let all = server.post(REPLAYS, body.clone()).await.expect(202).json();
    assert_eq!(all["total"], 2);
    for (key, seen) in [(&own, vec![begun["id"].clone()]), (&other, vec![])] {
        let list = server.call_as(key, Method::GET, REPLAYS, None).await.json();
        let ids: Vec<Value> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|view| view["id"].clone())
            .collect();
        assert_eq!(ids, seen);
    }
    let path = format!("{REPLAYS}/{}", id(&begun));
    server
        .call_as(&other, Method::GET, &path, None)
        .await
        .problem(404);
    for asked in ["pause", "resume", "cancel"] {
        server
            .call_as(&other, Method::POST, &format!("{path}/{asked}"), None)
            .await
            .problem(404);
    }
    let foreign = json!({"filter": {"company": "Globex"}});
    server
        .call_as(&own, Method::POST, REPLAYS, Some(&foreign))
        .await
        .field("/filter/company", "no company");
}

#[tokio::test]
async fn dead_letters_are_told_by_cause_and_narrowed() {
    let server = Server::start().await;
    let list = server.get("/api/v1/dead-letters").await.expect(200).json();
    assert_eq!(list, json!({"items": [], "truncated": false}));
    server
        .get("/api/v1/dead-letters?since=yesterday")
        .await
        .field("?since", "");
    server
        .get("/api/v1/dead-letters?company=Nobody")
        .await
        .field("?company", "no company");
}

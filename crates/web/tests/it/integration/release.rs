//! The gate, as it is shown and opened.

use std::time::Duration;

use delivery::{Cause, Gate, HoldReason, Outcome};
use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use store::Settling;
use testkit::{Target, seeded};

use crate::support::{Server, id};

const BAD: Outcome = Outcome::Failed {
    cause: Cause::Timeout,
    retry_after: None,
};

/// Saves a gate, as the owner of the integration does once it has heard that a good check opened it.
async fn save(server: &Server, integration: &str, gate: Gate) {
    let (store, now) = (server.app.store(), server.clock.now());
    let ids = [integration.parse().unwrap()];
    let lease = store
        .take_leases(&ids, Duration::from_secs(60), now)
        .await
        .unwrap()
        .remove(0);
    let settling = Settling::new(lease, Vec::new(), Some(gate)).heard();
    assert_eq!(store.settle_all(vec![settling]).await.unwrap(), [true]);
    store.release_leases(&[lease]).await.unwrap();
}

fn failed(server: &Server, times: u32) -> Gate {
    let mut gate = Gate::default();
    for _ in 0..times {
        gate.observe(&BAD, server.clock.now(), &mut seeded(1));
    }
    gate
}

async fn release(server: &Server, key: &str, integration: &str) -> crate::support::Answer {
    let path = format!("/api/v1/integrations/{integration}/release");
    server.call_as(key, Method::POST, &path, None).await
}

async fn releases(server: &Server) -> usize {
    let audit = server.get("/api/v1/audit").await.json();
    let rows = audit["items"].as_array().unwrap();
    rows.iter().filter(|row| row["action"] == "release").count()
}

#[tokio::test]
async fn the_gate_says_until_when_and_a_person_opens_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let integration = server.integration("Hook", &target).await;
    let path = format!("/api/v1/integrations/{integration}");
    let view = async || server.get(&path).await.expect(200).json()["gate"].clone();
    assert_eq!(
        view().await,
        json!({"state": "admitting", "reason": null, "since": null, "failures": 0, "until": null, "probe_at": null, "held_at_latest": null})
    );
    let now = server.clock.now();
    let five_days = now.after(Duration::from_secs(5 * 24 * 3_600)).to_string();

    save(&server, &integration, failed(&server, 3)).await;
    let gate = view().await;
    assert_eq!(
        (gate["state"].as_str(), &gate["failures"]),
        (Some("admitting"), &json!(3))
    );
    assert_eq!(gate["held_at_latest"], five_days);

    save(&server, &integration, failed(&server, 10)).await;
    let gate = view().await;
    assert_eq!(
        (gate["state"].as_str(), &gate["failures"]),
        (Some("resting"), &json!(10))
    );
    assert!(gate["until"].is_string() && gate["since"] == now.to_string());
    assert_eq!(gate["held_at_latest"], five_days);
    let open = release(&server, &server.admin, &integration)
        .await
        .expect(200)
        .json();
    assert_eq!(open["gate"]["state"], "admitting");
    assert_eq!(open["gate"]["failures"], 0);

    let mut held = Gate::default();
    held.hold(HoldReason::Login, now);
    save(&server, &integration, held).await;
    let list = server.get("/api/v1/integrations").await.json();
    let gate = &list["items"][0]["gate"];
    assert_eq!(
        (gate["state"].as_str(), gate["reason"].as_str()),
        (Some("held"), Some("login"))
    );
    assert!(gate["probe_at"].is_string(), "{gate}");
    let operator = server.key(Role::Operator, Scope::All).await;
    release(&server, &operator, &integration).await.expect(200);
    assert_eq!(view().await["state"], "admitting");
    assert_eq!(releases(&server).await, 2);
    release(&server, &operator, &integration).await.expect(200);
    assert_eq!(releases(&server).await, 2, "an open gate is left as it is");
}

#[tokio::test]
async fn a_key_opens_the_gates_of_its_own_companies_alone() {
    let (server, target) = (Server::start().await, Target::start().await);
    let (one, other) = (server.company("One").await, server.company("Other").await);
    let integration = async |name: &str, companies: Value| {
        let credentials = json!({"webhook_url": target.url("/hook")});
        let form = json!({"connector": "webhook", "name": name, "credentials": credentials, "companies": companies});
        server.made("/api/v1/integrations", form).await
    };
    let own = integration("Own", json!([one])).await;
    let shared = integration("Shared", json!([one, other])).await;
    let all = integration("All", json!([])).await;
    let foreign = integration("Foreign", json!([other])).await;
    let scope = || Scope::Companies(vec![Server::company_id(&one)]);
    let operator = server.key(Role::Operator, scope()).await;
    for integration in [&own, &shared, &all, &foreign] {
        save(&server, integration, failed(&server, 10)).await;
    }
    let open = release(&server, &operator, &own).await.expect(200).json();
    assert_eq!(
        (id(&open), &open["gate"]["state"]),
        (own, &json!("admitting"))
    );
    for integration in [&shared, &all] {
        release(&server, &operator, integration).await.problem(403);
    }
    release(&server, &operator, &foreign).await.problem(404);
    let viewer = server.key(Role::Viewer, Scope::All).await;
    release(&server, &viewer, &shared).await.problem(403);
    assert_eq!(releases(&server).await, 1);
}

#[tokio::test]
async fn a_release_does_not_undo_a_switch() {
    let (server, target) = (Server::start().await, Target::start().await);
    let integration = server.integration("Hook", &target).await;
    let path = format!("/api/v1/integrations/{integration}");
    server
        .patch(&path, json!({"enabled": false}))
        .await
        .expect(200);
    save(&server, &integration, failed(&server, 10)).await;
    let view = release(&server, &server.admin, &integration)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (view["status"].as_str(), &view["enabled"]),
        (Some("disabled"), &json!(false))
    );
}

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::Server;

const ROLLBACK: &str = "/api/v1/configuration/rollback";

async fn epoch(server: &Server) -> u64 {
    let audit = server.get("/api/v1/audit?limit=1").await.expect(200).json();
    audit["items"][0]["epoch"].as_u64().unwrap()
}

fn change<'a>(answer: &'a Value, what: &str) -> &'a Value {
    let changes = answer["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["what"] == what);
    found.unwrap_or_else(|| panic!("no {what}: {answer}"))
}

#[tokio::test]
async fn a_dry_run_says_what_going_back_then_does() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let before = epoch(&server).await;
    let path = format!("/api/v1/integrations/{}", routed.integration);
    let key = json!({"credentials": {"header_value": "canary-other-5678"}, "name": "Renamed"});
    server.patch(&path, key).await.expect(200);
    server.company("Globex").await;
    let now = epoch(&server).await;
    let dry = server
        .post(ROLLBACK, json!({"epoch": before, "dry_run": true}))
        .await
        .expect(200);
    assert!(!dry.text().contains("canary"), "{}", dry.text());
    let dry = dry.json();
    assert_eq!(
        (epoch(&server).await, dry["epoch"].as_u64()),
        (now, Some(now))
    );
    assert_eq!(change(&dry, "company")["action"], "remove");
    let integration = change(&dry, "integration");
    assert_eq!(
        (&integration["action"], &integration["name"]),
        (&json!("update"), &json!("To Acme"))
    );
    let fields = integration["fields"].as_array().unwrap();
    let field = |pointer: &str| {
        fields
            .iter()
            .find(|field| field["pointer"] == pointer)
            .unwrap_or_else(|| panic!("{pointer}: {integration}"))
    };
    assert_eq!(
        field("/secrets/header_value"),
        &json!({"pointer": "/secrets/header_value", "old": "set", "new": "changed"})
    );
    assert_eq!(field("/name")["old"], "Renamed");
    assert!(
        integration["warnings"][0]
            .as_str()
            .unwrap()
            .contains("not authenticated")
    );
    let done = server
        .post(ROLLBACK, json!({"epoch": before}))
        .await
        .expect(200)
        .json();
    assert_eq!(done["changes"], dry["changes"]);
    assert_eq!(
        (done["epoch"].as_u64(), &done["total"]),
        (Some(now + 1), &json!(2))
    );
    let view = server.get(&path).await.expect(200).json();
    assert_eq!(
        (&view["name"], &view["status"]),
        (&json!("To Acme"), &json!("draft"))
    );
    let audit = server
        .get("/api/v1/audit?action=rollback&what=configuration")
        .await
        .expect(200)
        .json();
    assert_eq!(audit["items"][0]["target"], before.to_string());
    assert!(audit["items"][0]["actor"]["key"]["id"].is_string());
}

#[tokio::test]
async fn going_back_takes_an_admin_of_all_companies() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    let narrow = Scope::Companies(vec![Server::company_id(&company)]);
    for key in [
        server.key(Role::Viewer, Scope::All).await,
        server.key(Role::Operator, Scope::All).await,
        server.key(Role::Admin, narrow).await,
    ] {
        for dry_run in [true, false] {
            let form = json!({"epoch": 1, "dry_run": dry_run});
            server
                .call_as(&key, Method::POST, ROLLBACK, Some(&form))
                .await
                .problem(403);
        }
    }
    server
        .get(&format!("/api/v1/companies/{company}"))
        .await
        .expect(200);
}

#[tokio::test]
async fn an_epoch_that_is_not_kept_is_a_bad_field() {
    let server = Server::start().await;
    let now = epoch(&server).await;
    for to in [0, now + 1] {
        let words = format!("those from 1 to {now}");
        for dry_run in [true, false] {
            let form = json!({"epoch": to, "dry_run": dry_run});
            server.post(ROLLBACK, form).await.field("/epoch", &words);
        }
    }
    server
        .post(ROLLBACK, json!({}))
        .await
        .field("/epoch", "is missing");
    server
        .post(ROLLBACK, json!({"epoch": 1, "dryrun": true}))
        .await
        .field("/dryrun", "did you mean `dry_run`?");
}

#[tokio::test]
async fn a_key_survives_going_back_before_it_was_made() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.post(ROLLBACK, json!({"epoch": 1})).await.expect(200);
    let companies = server.get("/api/v1/companies").await.expect(200).json();
    assert_eq!(companies["items"], json!([]));
}

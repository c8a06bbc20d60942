use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::support::Server;

const PATH: &str = "/api/v1/configuration";

/// Something of everything, made by the single calls.
async fn furnished(server: &Server, target: &Target) {
    server.routed("Acme", target).await;
    let globex = json!({"name": "Globex", "aliases": ["Globex Corp"], "external_id": "g-1", "quota": {"events_per_second": 50}});
    server.made("/api/v1/companies", globex).await;
    server
        .source(json!({
            "name": "Door", "company": "Globex", "companies": ["Globex", "Acme"], "dedup_window": "5m",
            "company_rules": [{"when": {"hostname": "web-*"}, "company": "Acme"}, {"when": {"address": "10.0.0.0/8"}, "company": "Globex"}],
            "authentication": {
                "header": {"key": "X-Key", "value": "canary-header"}, "login": {"username": "me", "password": "canary-password"},
                "signature": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}, "addresses": ["192.0.2.0/24"],
            },
        }))
        .await;
    let credentials = json!({"webhook_url": target.url("/two"), "authentication_url": target.url("/login"), "username": "me",
        "password": "canary-password", "signing_secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"});
    let form = json!({"connector": "webhook", "name": "Second desk", "companies": ["Globex"], "credentials": credentials,
        "delivery": {"schedule": ["0s", "5s"], "rate_per_second": 10}});
    target.on_path("/login", Answer::json(r#"{"token": "canary-token"}"#));
    let second = server.made("/api/v1/integrations", form).await;
    let set = server.event_set("Another set").await;
    let rules = format!("/api/v1/integrations/{second}/rules");
    for name in ["B", "A"] {
        let rule = json!({"name": name, "event_set_id": set, "matchers": ["severity>=high"]});
        let rule = server.made(&rules, rule).await;
        let all = json!({"companies": "all", "rules": [rule]});
        let mappings = format!("/api/v1/integrations/{second}/mappings");
        server.put(&mappings, all).await.expect(200);
    }
}

async fn exported(server: &Server) -> Value {
    server.get(PATH).await.expect(200).json()
}

/// The document with what it does not say put in.
fn with_secrets(mut document: Value) -> Value {
    let door = &mut document["sources"][0]["authentication"];
    door["header"]["value"] = json!("canary-header");
    door["login"]["password"] = json!("canary-password");
    door["signature"]["secret"] = json!("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let integrations = document["integrations"].as_array_mut().unwrap();
    for integration in integrations {
        for (name, value) in integration["credentials"].as_object_mut().unwrap() {
            if value.is_object() {
                *value = match name.as_str() {
                    "header_value" => json!("canary-secret-1234"),
                    "password" => json!("canary-password"),
                    _ => json!("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
                };
            }
        }
    }
    document
}

fn named(applied: &Value) -> Vec<String> {
    let changes = applied["changes"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes
        .map(|change| {
            [&change["action"], &change["what"], &change["name"]]
                .map(text)
                .join(" ")
        })
        .collect()
}

#[tokio::test]
async fn an_export_is_by_names_and_holds_no_secret_and_applying_it_changes_nothing() {
    let (server, target) = (Server::start().await, Target::start().await);
    furnished(&server, &target).await;
    let answer = server.get(PATH).await.expect(200);
    assert!(!answer.text().contains("canary"), "{}", answer.text());
    let document = answer.json();
    assert_eq!(document["companies"][1]["name"], "Globex");
    assert!(document["integrations"][0]["credentials"]["header_value"].is_null());
    assert_eq!(
        document["integrations"][0]["credentials"]["password"],
        json!({"env": "ALERTWIRE_SECRET_INTEGRATION_SECOND_DESK_PASSWORD"})
    );
    assert_eq!(
        document["integrations"][0]["mappings"],
        json!([{"companies": "all", "rules": ["A"], "create_webhook_alert": false}])
    );
    assert_eq!(
        document["integrations"][1]["mappings"],
        json!([{"companies": ["Acme"], "rules": ["Rule of Acme"], "create_webhook_alert": true}])
    );
    for query in ["", "?prune=true", "?dry_run=true&prune=true"] {
        for document in [document.clone(), with_secrets(document.clone())] {
            let path = format!("{PATH}{query}");
            let applied = server.put(&path, document).await.expect(200).json();
            assert_eq!(named(&applied), [""; 0], "{query}");
        }
    }
    assert_eq!(exported(&server).await, document);
}

#[tokio::test]
async fn an_empty_server_becomes_the_exported_one_and_tries_its_integrations() {
    let (one, target) = (Server::start().await, Target::start().await);
    furnished(&one, &target).await;
    let document = exported(&one).await;
    let other = Server::start().await;
    let sent = target.received().len();
    let dry = format!("{PATH}?dry_run=true");
    let planned = other.put(&dry, with_secrets(document.clone())).await;
    let planned = planned.expect(200).json();
    assert_eq!(exported(&other).await["companies"], json!([]));
    assert_eq!(target.received().len(), sent, "nothing is tried yet");
    let applied = other.put(PATH, with_secrets(document.clone())).await;
    assert!(!applied.text().contains("canary"), "{}", applied.text());
    let applied = applied.expect(200).json();
    assert_eq!(named(&applied), named(&planned));
    assert_eq!(named(&applied)[0], "insert company Acme");
    let checks = applied["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["ok"] == true), "{applied}");
    assert_eq!(checks.len(), 2);
    assert_eq!(exported(&other).await, document);
    // What was set up works.
    let event = other.asset_added("Acme", "10.0.0.1").await;
    let list = other
        .get(&format!("/api/v1/deliveries?event={event}"))
        .await;
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reference_with_nothing_stored_names_its_variable_and_its_field() {
    let (one, target) = (Server::start().await, Target::start().await);
    furnished(&one, &target).await;
    let other = Server::start().await;
    let refused = other.put(PATH, exported(&one).await).await;
    let problem = refused.problem(422);
    let errors = problem["errors"].as_array().unwrap();
    let found: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        found,
        [
            "/sources/0/authentication/header/value",
            "/sources/0/authentication/login/password",
            "/sources/0/authentication/signature/secret",
            "/integrations/0/credentials/password",
            "/integrations/0/credentials/signing_secret",
            "/integrations/1/credentials/header_value",
        ]
    );
    let detail = errors[5]["detail"].as_str().unwrap();
    let variable = "ALERTWIRE_SECRET_INTEGRATION_TO_ACME_HEADER_VALUE";
    assert!(detail.contains(variable), "{detail}");
    assert_eq!(exported(&other).await["companies"], json!([]));
}

#[tokio::test]
async fn a_change_is_told_field_by_field_and_secrets_are_not_shown() {
    let (server, target) = (Server::start().await, Target::start().await);
    furnished(&server, &target).await;
    let mut document = exported(&server).await;
    document["companies"][1]["external_id"] = json!("g-2");
    document["companies"][1]
        .as_object_mut()
        .unwrap()
        .remove("quota");
    document["sources"][0]["authentication"]["header"]["value"] = json!("canary-new");
    document["integrations"][1]["credentials"]["header_value"] = json!("canary-other-secret");
    document["integrations"][1]["mappings"][0]["create_webhook_alert"] = json!(false);
    document["integrations"][1]["rules"][0]["matchers"] = json!(["severity>=low"]);
    let answer = server.put(PATH, document).await.expect(200);
    assert!(!answer.text().contains("canary"), "{}", answer.text());
    let applied = answer.json();
    assert_eq!(
        named(&applied),
        [
            "update company Globex",
            "update source Door",
            "update integration To Acme",
            "update rule To Acme / Rule of Acme",
            "update mapping To Acme / Acme",
        ]
    );
    assert_eq!(
        applied["changes"][0]["fields"],
        json!([
            {"pointer": "/external_id", "old": "g-1", "new": "g-2"},
            {"pointer": "/quota/events_per_second", "old": 50, "new": null},
        ])
    );
    let secret = |pointer: &str| json!([{"pointer": pointer, "old": "set", "new": "changed"}]);
    assert_eq!(
        applied["changes"][1]["fields"],
        secret("/authentication/header/value")
    );
    assert_eq!(
        applied["changes"][2]["fields"],
        secret("/credentials/header_value")
    );
    assert_eq!(applied["checks"][0]["integration"], "To Acme");
    let last = target.received();
    assert_eq!(
        last.last().unwrap().header("x-api-key"),
        Some("canary-other-secret")
    );
    assert_eq!(applied["checks"].as_array().unwrap().len(), 1);
    let audit = server.get("/api/v1/audit").await.expect(200).text();
    assert!(!audit.contains("canary"), "{audit}");
}

#[tokio::test]
async fn only_prune_removes_and_only_of_sections_that_are_there() {
    let (server, target) = (Server::start().await, Target::start().await);
    furnished(&server, &target).await;
    let before = exported(&server).await;
    let mut document = before.clone();
    document["integrations"].as_array_mut().unwrap().remove(1);
    document["integrations"][0]["rules"]
        .as_array_mut()
        .unwrap()
        .remove(1);
    document["companies"].as_array_mut().unwrap().remove(0);
    document["sources"] = json!([]);
    let kept = server.put(PATH, document.clone()).await.expect(200).json();
    assert_eq!(named(&kept), [""; 0]);
    let prune = format!("{PATH}?prune=true");
    document.as_object_mut().unwrap().remove("event_sets");
    let applied = server.put(&prune, document).await.expect(200).json();
    assert_eq!(
        named(&applied),
        [
            "remove rule Second desk / B",
            "remove integration To Acme",
            "remove source Door",
            "remove company Acme",
        ]
    );
    let after = exported(&server).await;
    assert_eq!(after["event_sets"], before["event_sets"]);
    assert_eq!(after["companies"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_name_is_another_thing() {
    let (server, target) = (Server::start().await, Target::start().await);
    furnished(&server, &target).await;
    let text = exported(&server).await.to_string();
    let document = serde_json::from_str(&text.replace("\"Acme\"", "\"Acme Inc\"")).unwrap();
    let prune = format!("{PATH}?prune=true&dry_run=true");
    let planned = server.put(&prune, document).await.expect(200).json();
    assert_eq!(
        named(&planned),
        [
            "insert company Acme Inc",
            "update source Door",
            "insert mapping To Acme / Acme Inc",
            "remove mapping To Acme / Acme",
            "remove company Acme",
        ]
    );
}

#[tokio::test]
async fn every_broken_rule_is_named_at_once_and_nothing_is_stored() {
    let (server, target) = (Server::start().await, Target::start().await);
    let document = json!({
        "companies": [{"name": "Acme"}, {"name": "acme"}, {"name": ""}],
        "event_sets": [{"name": "S", "events": ["system.asset_aded"]}, {"name": "T", "events": ["system.asset_added"]}],
        "sources": [{"name": "Door", "company": "Acmee", "authentication": {}}],
        "integrations": [{
            "name": "Desk", "connector": "webhook", "delivery": {"timeout": "1h"},
            "credentials": {"webhook_url": target.url("/"), "header_key": "X-Key", "pasword": "x"},
            "rules": [{"name": "R", "event_set": "TT", "matchers": ["severty=1"]}],
            "mappings": [{"companies": ["Nobody"], "rules": ["Q"]}],
        }],
    });
    let problem = server.put(PATH, document).await.problem(422);
    let errors = problem["errors"].as_array().unwrap();
    let found: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    for pointer in [
        "/companies/1/name",
        "/companies/2/name",
        "/event_sets/0/events/0",
        "/sources/0/company",
        "/sources/0/authentication",
        "/integrations/0/credentials/pasword",
        "/integrations/0/credentials/header_value",
        "/integrations/0/delivery/timeout",
        "/integrations/0/rules/0/event_set",
        "/integrations/0/rules/0/matchers/0",
        "/integrations/0/mappings/0/companies/0",
        "/integrations/0/mappings/0/rules/0",
    ] {
        assert!(found.contains(&pointer), "{pointer}: {problem}");
    }
    assert_eq!(exported(&server).await["event_sets"], json!([]));
    let check = async |document: Value, pointer: &str, words: &str| {
        server.put(PATH, document).await.field(pointer, words);
    };
    check(json!({"version": 2}), "/version", "is 1").await;
    check(json!({"compnies": []}), "/compnies", "companies").await;
    let good = json!({"webhook_url": target.url("/")});
    let rules = json!([{"name": "R", "event_set": "Sett"}]);
    let mappings = json!([{"companies": "all", "rules": ["Q"]}, {"companies": "all", "rules": []}]);
    let entry = json!({"name": "Desk", "connector": "webhook", "credentials": good, "rules": rules, "mappings": mappings});
    let sets = json!([{"name": "Set", "events": ["system.asset_added"]}]);
    let document = json!({"event_sets": sets, "integrations": [entry]});
    let at = "/integrations/0";
    let rule = format!("{at}/rules/0/event_set");
    check(document.clone(), &rule, "did you mean `Set`?").await;
    check(
        document.clone(),
        &format!("{at}/mappings/0/rules/0"),
        "no rule `Q`",
    )
    .await;
    check(document, &format!("{at}/mappings/1/companies"), "already").await;
}

#[tokio::test]
async fn rules_and_mappings_are_stored_before_their_integration_is_authenticated() {
    let (one, target) = (Server::start().await, Target::start().await);
    furnished(&one, &target).await;
    let document = exported(&one).await;
    let other = Server::start().await;
    target.answer(Answer::status(500));
    let applied = other.put(PATH, with_secrets(document.clone())).await;
    let applied = applied.expect(200).json();
    assert_eq!(applied["checks"][0]["ok"], false);
    assert!(applied["checks"][0]["steps"].is_array());
    assert_eq!(exported(&other).await, document);
    // By hand it goes step by step.
    let list = other.get("/api/v1/integrations").await.json();
    let path = format!(
        "/api/v1/integrations/{}/mappings",
        crate::support::id(&list["items"][0])
    );
    let all = json!({"companies": "all", "rules": []});
    other.put(&path, all).await.problem(409);
}

#[tokio::test]
async fn a_mapping_of_a_company_that_is_associated_no_more_is_exported_and_applied() {
    let (one, target) = (Server::start().await, Target::start().await);
    let routed = one.routed("Acme", &target).await;
    one.company("Globex").await;
    let path = format!("/api/v1/integrations/{}", routed.integration);
    one.patch(&path, json!({"companies": ["Globex"]}))
        .await
        .expect(200);
    let document = exported(&one).await;
    let prune = format!("{PATH}?prune=true");
    let again = one.put(&prune, document.clone()).await.expect(200).json();
    assert_eq!(named(&again), [""; 0]);
    let other = Server::start().await;
    let secret = json!("canary-secret-1234");
    let mut given = document.clone();
    given["integrations"][0]["credentials"]["header_value"] = secret;
    other.put(PATH, given).await.expect(200);
    assert_eq!(exported(&other).await, document);
}

#[tokio::test]
async fn a_rotation_under_way_is_neither_exported_nor_ended() {
    let (server, target) = (Server::start().await, Target::start().await);
    furnished(&server, &target).await;
    let before = exported(&server).await;
    let list = server.get("/api/v1/integrations").await.json();
    let items = list["items"].as_array().unwrap().iter();
    let second = items.clone().find(|item| item["name"] == "Second desk");
    let path = format!(
        "/api/v1/integrations/{}",
        crate::support::id(second.unwrap())
    );
    server
        .post(&format!("{path}/signing-secret"), json!({}))
        .await
        .expect(201);
    assert_eq!(exported(&server).await, before);
    let applied = server.put(PATH, before.clone()).await.expect(200).json();
    assert_eq!(named(&applied), [""; 0]);
    let view = server.get(&path).await.json();
    assert_eq!(view["credentials"]["signing_secret_previous"]["set"], true);
    let applied = server.put(PATH, with_secrets(before.clone())).await;
    let changes = applied.expect(200).json()["changes"].clone();
    assert_eq!(
        changes[0]["fields"][0]["pointer"],
        "/credentials/signing_secret"
    );
    let view = server.get(&path).await.json();
    assert!(view["credentials"]["signing_secret_previous"].is_null());
}

#[tokio::test]
async fn a_stored_secret_does_not_follow_a_url_to_another_host() {
    let (server, target) = (Server::start().await, Target::start().await);
    let elsewhere = Target::start().await;
    furnished(&server, &target).await;
    let mut document = exported(&server).await;
    document["integrations"][1]["credentials"]["webhook_url"] = json!(elsewhere.url("/hook"));
    server
        .put(PATH, document)
        .await
        .field("/integrations/1/credentials/header_value", "typed again");
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn only_an_admin_of_all_companies_reads_or_applies_the_configuration() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    let narrow = Scope::Companies(vec![Server::company_id(&company)]);
    for (role, scope) in [
        (Role::Viewer, Scope::All),
        (Role::Operator, Scope::All),
        (Role::Admin, narrow),
    ] {
        let key = server.key(role, scope).await;
        server
            .call_as(&key, Method::GET, PATH, None)
            .await
            .problem(403);
        server
            .call_as(&key, Method::PUT, PATH, Some(&json!({})))
            .await
            .problem(403);
    }
    server
        .put(&format!("{PATH}?dry_rnu=true"), json!({}))
        .await
        .field("?dry_rnu", "did you mean `dry_run`?");
}

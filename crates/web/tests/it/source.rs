use serde_json::json;

use crate::support::{Server, id};

#[tokio::test]
async fn a_source_gives_its_urls_and_hides_its_secrets() {
    let server = Server::start_with(|settings| {
        settings.public_url = web::PublicUrl::parse("https://alerts.example.com").unwrap()
    })
    .await;
    let company = server.company("Acme").await;
    let form = json!({
        "name": "Door", "company": "Acme", "companies": [company], "dedup_window": "5m",
        "company_rules": [{"when": {"hostname": "web-*"}, "company": "Acme"}],
        "authentication": {
            "header": {"key": "X-API-Key", "value": "canary-header-value"},
            "login": {"username": "me", "password": "canary-password"},
            "signature": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
            "addresses": ["192.0.2.0/24", "127.0.0.1"],
        },
    });
    let answer = server.post("/api/v1/sources", form).await.expect(201);
    assert!(
        !answer.text().contains("canary") && !answer.text().contains("C2FV"),
        "{}",
        answer.text()
    );
    let made = answer.json();
    let intake = format!("https://alerts.example.com/intake/{}", id(&made));
    assert_eq!(made["intake_url"], intake);
    assert_eq!(made["authentication_url"], format!("{intake}/token"));
    assert_eq!(made["authentication"]["header"]["value"]["set"], true);
    assert_eq!(
        made["authentication"]["signature"]["secret"]["last4"],
        "b7oD"
    );
    let found = server
        .get(&format!("/api/v1/sources/{}", id(&made)))
        .await
        .expect(200)
        .json();
    assert_eq!(found, made);
    assert_eq!(
        server.get("/api/v1/sources").await.expect(200).json()["items"],
        json!([made])
    );
}

#[tokio::test]
async fn every_bad_field_of_a_source_is_named() {
    let server = Server::start().await;
    let other = server.company("Globex").await;
    server.company("Acme").await;
    let good = json!({"header": {"key": "X-Key", "value": "v"}});
    let check = async |form: serde_json::Value, pointer: &str, words: &str| {
        server
            .post("/api/v1/sources", form)
            .await
            .field(pointer, words);
    };
    check(
        json!({"name": "S", "authentication": {}}),
        "/authentication",
        "at least one",
    )
    .await;
    check(json!({"name": "S"}), "/authentication", "is missing").await;
    check(
        json!({"name": "S", "authentication": {"header": {"key": "X Key", "value": "v"}}}),
        "/authentication/header/key",
        "header",
    )
    .await;
    check(
        json!({"name": "S", "authentication": {"signature": {"secret": "whsec_x"}}}),
        "/authentication/signature/secret",
        "24 to 64",
    )
    .await;
    check(
        json!({"name": "S", "authentication": {"addresses": ["300.1.1.1"]}}),
        "/authentication/addresses/0",
        "range",
    )
    .await;
    check(
        json!({"name": "S", "authentication": good, "company": other, "companies": ["Acme"]}),
        "/company",
        "one of `companies`",
    )
    .await;
    check(
        json!({"name": "S", "authentication": good, "company": "Acmee"}),
        "/company",
        "did you mean `Acme`?",
    )
    .await;
    check(
        json!({"name": "S", "authentication": good, "dedup_window": "5 minutes"}),
        "/dedup_window",
        "5m",
    )
    .await;
    let rules = json!([{"when": {"hostname": "a", "address": "10.0.0.1"}, "company": "Acme"}]);
    check(
        json!({"name": "S", "authentication": good, "company_rules": rules}),
        "/company_rules/0/when",
        "exactly one",
    )
    .await;
}

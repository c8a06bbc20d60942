use std::time::Duration;

use domain::access::{Role, Scope};
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
    check(
        json!({"name": "S", "authentication": good, "dedup_window": "31d"}),
        "/dedup_window",
        "at most 30d",
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

const SAMPLE: &str =
    r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100"}"#;

/// The status of an alert with this header value.
async fn posted(server: &Server, source: &str, value: &str) -> u16 {
    let request = crate::support::request(http::Method::POST, &format!("/intake/{source}"))
        .header("x-key", value);
    let body = axum::body::Body::from(SAMPLE);
    server
        .send(request.body(body).unwrap())
        .await
        .status
        .as_u16()
}

#[tokio::test]
async fn a_patch_of_a_source_keeps_the_secrets_that_it_does_not_name() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let form = json!({"name": "Door", "authentication": {
        "header": {"key": "X-Key", "value": "canary-one"}, "addresses": ["10.0.0.0/8"],
    }});
    let source = id(&server.source(form).await);
    let path = format!("/api/v1/sources/{source}");
    let patch = json!({"name": "Gate", "company": "Acme", "authentication": {"addresses": []}});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["company"]["id"]),
        (&json!("Gate"), &json!(acme))
    );
    assert!(changed["authentication"]["addresses"].is_null());
    assert_eq!(posted(&server, &source, "canary-one").await, 202);
    let patch = json!({"authentication": {"header": {"key": "X-Key"}}, "dedup_window": "5m"});
    server.patch(&path, patch).await.expect(200);
    assert_eq!(posted(&server, &source, "canary-one").await, 202);
    let patch = json!({"authentication": {"header": {"key": "X-Key", "value": "canary-two"}}});
    let changed = server.patch(&path, patch).await.expect(200);
    assert!(!changed.text().contains("canary"), "{}", changed.text());
    assert_eq!(posted(&server, &source, "canary-one").await, 401);
    assert_eq!(posted(&server, &source, "canary-two").await, 202);
    let nothing = json!({"authentication": {"header": null}});
    server
        .patch(&path, nothing)
        .await
        .field("/authentication", "at least one");
    let fresh = json!({"authentication": {"basic": {"username": "me"}}});
    server
        .patch(&path, fresh)
        .await
        .field("/authentication/basic/password", "is missing");
    let away = json!({"company": null, "dedup_window": null});
    let changed = server.patch(&path, away).await.expect(200).json();
    assert!(changed["company"].is_null() && changed["dedup_window"].is_null());
}

#[tokio::test]
async fn at_most_two_secrets_are_live_while_one_is_rotated() {
    let server = Server::start().await;
    let form = json!({"name": "Door", "authentication": {
        "header": {"key": "X-Key", "value": "canary-one"},
        "signature": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
    }});
    let source = id(&server.source(form).await);
    let path = format!("/api/v1/sources/{source}/rotate");
    let live = async || {
        let mut live = Vec::new();
        for value in ["canary-one", "canary-two", "canary-three"] {
            live.push(posted(&server, &source, value).await == 202);
        }
        live
    };
    let turn = json!({"header": {"secret": "canary-two"}});
    let view = server.post(&path, turn).await.expect(200);
    assert!(!view.text().contains("canary"), "{}", view.text());
    let header = &view.json()["authentication"]["header"];
    assert_eq!(header["previous"]["set"], true);
    assert_eq!(live().await, [true, true, false]);
    let turn = json!({"header": {"secret": "canary-three"}});
    server.post(&path, turn).await.expect(200);
    assert_eq!(live().await, [false, true, true]);
    let end = json!({"header": {"end": true}});
    let view = server.post(&path, end).await.expect(200).json();
    assert!(view["authentication"]["header"]["previous"].is_null());
    assert_eq!(live().await, [false, false, true]);
    let turn =
        json!({"signature": {"secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}});
    let view = server.post(&path, turn).await.expect(200).json();
    assert_eq!(
        view["authentication"]["signature"]["secret"]["last4"],
        "Hh8="
    );
    assert_eq!(
        view["authentication"]["signature"]["previous"]["last4"],
        "b7oD"
    );
    let check = async |form: serde_json::Value, pointer: &str, words: &str| {
        server.post(&path, form).await.field(pointer, words);
    };
    check(json!({}), "", "at least one").await;
    check(json!({"basic": {"end": true}}), "/basic", "no way").await;
    check(json!({"header": {}}), "/header", "either").await;
    let again = json!({"header": {"secret": "canary-three"}});
    check(again, "/header/secret", "live already").await;
}

#[tokio::test]
async fn a_removed_source_takes_nothing_any_more() {
    let server = Server::start().await;
    let form =
        json!({"name": "Door", "authentication": {"header": {"key": "X-Key", "value": "v"}}});
    let source = id(&server.source(form).await);
    assert_eq!(posted(&server, &source, "v").await, 202);
    let path = format!("/api/v1/sources/{source}");
    server.delete(&path).await.expect(204);
    assert_eq!(posted(&server, &source, "v").await, 404);
    server.get(&path).await.problem(404);
    server.delete(&path).await.problem(404);
}

#[tokio::test]
async fn a_former_secret_is_shown_with_its_end_and_gone_after_it() {
    let server = Server::start().await;
    let form = json!({"name": "Door", "authentication": {"header": {"key": "X-Key", "value": "canary-value-one"}}});
    let source = id(&server.source(form).await);
    let path = format!("/api/v1/sources/{source}");
    let rotate = format!("{path}/rotate");
    let turn = json!({"header": {"secret": "canary-value-two", "overlap": "2h"}});
    server.post(&rotate, turn).await.expect(200);
    server.clock.advance(Duration::from_secs(3_600));
    let view = server.get(&path).await.expect(200);
    assert!(!view.text().contains("canary"), "{}", view.text());
    let header = &view.json()["authentication"]["header"];
    assert_eq!(header["value"]["last4"], "-two");
    assert_eq!(header["previous"]["seconds_left"], 3_600);
    assert!(header["previous"]["until"].is_string());
    assert_eq!(posted(&server, &source, "canary-value-one").await, 202);
    server.clock.advance(Duration::from_secs(3_600));
    let view = server.get(&path).await.json();
    assert!(view["authentication"]["header"]["previous"].is_null());
    assert_eq!(posted(&server, &source, "canary-value-one").await, 401);
    assert_eq!(posted(&server, &source, "canary-value-two").await, 202);
    let turn = json!({"header": {"secret": "canary-value-three", "overlap": "0s"}});
    server.post(&rotate, turn).await.expect(200);
    assert_eq!(posted(&server, &source, "canary-value-two").await, 401);
    let turn = json!({"header": {"secret": "canary-value-four"}});
    let view = server.post(&rotate, turn).await.expect(200).json();
    let left = &view["authentication"]["header"]["previous"]["seconds_left"];
    assert_eq!(left, 86_400, "a day when nothing is said");
    let longer = json!({"header": {"secret": "canary-value-five", "overlap": "31d"}});
    server
        .post(&rotate, longer)
        .await
        .field("/header/overlap", "at most 30d");
}

#[tokio::test]
async fn a_secret_that_we_make_is_shown_once_and_is_good() {
    let server = Server::start().await;
    let form = json!({"name": "Door", "authentication": {
        "header": {"key": "X-Key", "value": "canary-value-one"},
        "signature": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
    }});
    let source = id(&server.source(form).await);
    let path = format!("/api/v1/sources/{source}");
    let turn = json!({"header": {"generate": true}, "signature": {"generate": true}});
    let view = server
        .post(&format!("{path}/rotate"), turn)
        .await
        .expect(200)
        .json();
    let made = |way: &str| view["generated"][way].as_str().unwrap().to_owned();
    assert!(made("signature").starts_with("whsec_"));
    assert!(receive::parse_signing_secret(&made("signature")).is_ok());
    assert_eq!(posted(&server, &source, &made("header")).await, 202);
    let shown = server.get(&path).await.text();
    assert!(!shown.contains(&made("header")) && !shown.contains(&made("signature")));
    let audit = server.get("/api/v1/audit").await.text();
    assert!(!audit.contains(&made("header")) && !audit.contains(&made("signature")));
    let both = json!({"header": {"generate": true, "end": true}});
    server
        .post(&format!("{path}/rotate"), both)
        .await
        .field("/header", "either");
}

#[tokio::test]
async fn what_to_type_at_the_sender_is_said_in_the_words_of_its_form() {
    let server = Server::start_with(|settings| {
        settings.public_url = web::PublicUrl::parse("https://alerts.example.com").unwrap()
    })
    .await;
    let acme = server.company("Acme").await;
    let form = json!({"name": "Scanner", "companies": [acme], "authentication": {
        "header": {"key": "X-API-Key", "value": "canary-value-one"},
        "login": {"username": "me", "password": "short"},
        "signature": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
        "addresses": ["192.0.2.0/24"],
    }});
    let source = id(&server.source(form).await);
    let path = format!("/api/v1/sources/{source}/sender-settings");
    let answer = server.get(&path).await.expect(200);
    assert!(!answer.text().contains("canary") && !answer.text().contains("C2FV"));
    let view = answer.json();
    let said: Vec<(&str, &str)> = view["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|setting| {
            (
                setting["label"].as_str().unwrap(),
                setting["value"].as_str().unwrap(),
            )
        })
        .collect();
    let intake = format!("https://alerts.example.com/intake/{source}");
    let expected = [
        ("Name", "Scanner"),
        ("Webhook URL", &intake),
        ("Webhook Authentication URL", &format!("{intake}/token")),
        ("Webhook Username", "me"),
        ("Webhook Password", "(the secret you set)"),
        ("Authentication Header Key", "x-api-key"),
        (
            "Authentication Header Value",
            "(the secret you set, ends in -one)",
        ),
        ("Selected Associated Companies", "Acme"),
    ];
    assert_eq!(said, expected);
    let notes = view["notes"].to_string();
    for words in ["any one of these suffices", "whsec_", "192.0.2.0/24"] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
}

#[tokio::test]
async fn all_of_the_ways_can_be_asked_for_and_limits_set_changed_and_taken_away() {
    let server = Server::start().await;
    let form = json!({"name": "Door", "limits": {"messages_per_second": 5}, "authentication": {
        "require": "all",
        "header": {"key": "X-Key", "value": "canary-value-one"},
        "basic": {"username": "me", "password": "canary-value-two"},
    }});
    let made = server.source(form).await;
    let path = format!("/api/v1/sources/{}", id(&made));
    assert_eq!(made["authentication"]["require"], "all");
    assert_eq!(
        made["limits"],
        json!({"messages_per_second": 5, "burst": 5})
    );
    assert_eq!(posted(&server, &id(&made), "canary-value-one").await, 401);
    let patch = json!({"authentication": {"require": "any"}, "limits": {"json_depth": 8}});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert!(changed["authentication"]["require"].is_null());
    assert_eq!(changed["limits"], json!({"json_depth": 8}));
    assert_eq!(posted(&server, &id(&made), "canary-value-one").await, 202);
    let exported = server.get("/api/v1/configuration").await.expect(200).json();
    assert_eq!(exported["sources"][0]["limits"], json!({"json_depth": 8}));
    let patch = json!({"limits": null});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert!(changed["limits"].is_null());
    let check = async |form: serde_json::Value, pointer: &str, words: &str| {
        server.patch(&path, form).await.field(pointer, words);
    };
    for (limits, pointer, words) in [
        (
            json!({"body_bytes": 0}),
            "/limits/body_bytes",
            "1 to 1048576",
        ),
        (json!({"json_depth": 33}), "/limits/json_depth", "1 to 32"),
        (json!({"burst": 3}), "/limits/burst", "messages_per_second"),
    ] {
        check(json!({"limits": limits}), pointer, words).await;
    }
    let both =
        json!({"authentication": {"require": "all", "login": {"username": "me", "password": "x"}}});
    check(both, "/authentication/require", "Authorization header").await;
}

#[tokio::test]
async fn a_source_shows_what_it_has_brought() {
    let server = Server::start().await;
    let form =
        json!({"name": "Door", "authentication": {"header": {"key": "X-Key", "value": "v"}}});
    let source = id(&server.source(form).await);
    for value in ["v", "wrong", "v"] {
        posted(&server, &source, value).await;
    }
    let view = server
        .get(&format!("/api/v1/sources/{source}"))
        .await
        .json();
    let activity = &view["activity"];
    assert_eq!(
        (&activity["accepted"], &activity["refused"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(activity["last_seen_at"], json!(server.clock.now()));
}

#[tokio::test]
async fn what_a_source_of_several_companies_brings_is_not_told_to_one_of_them() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let header = json!({"header": {"key": "X-Key", "value": "v"}});
    let form = json!({"name": "Shared", "companies": [acme, globex], "authentication": header});
    let shared = id(&server.source(form).await);
    let form = json!({"name": "Own", "companies": [acme], "authentication": header});
    let own = id(&server.source(form).await);
    let scope = Scope::Companies(vec![Server::company_id(&acme)]);
    let key = server.key(Role::Viewer, scope).await;
    let activity = async |source: &str| {
        let path = format!("/api/v1/sources/{source}");
        let answer = server.call_as(&key, http::Method::GET, &path, None).await;
        answer.expect(200).json()["activity"].clone()
    };
    assert!(activity(&shared).await.is_null());
    assert_eq!(activity(&own).await["accepted"], 0);
}

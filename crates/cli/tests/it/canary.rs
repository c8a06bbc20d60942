//! Secrets are never readable back: canaries go in at every door, and are looked for in everything that comes out.

use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::{Answer as Scripted, Authority, Certificate, ClientFiles, Received, Target};

use crate::server::Api;
use crate::support::{Place, Server, alertwire, run_with};

const PASSWORD: &str = "canary-password-5f1d0c77";
const HEADER: &str = "canary-header-value-88aa21";
const LATER_HEADER: &str = "canary-later-header-2be090";
const SOURCE_HEADER: &str = "canary-source-header-c0ffee";
const SOURCE_BASIC: &str = "canary-source-basic-30b1e7";
const SOURCE_LOGIN: &str = "canary-source-login-91ab44";
const TOKEN: &str = "canary-token-of-the-login-77c1";
const ADMIN: &str = "canary-admin-key-4d4d4d4d4d";

static CLIENT: LazyLock<ClientFiles> = LazyLock::new(|| Authority::new().client(Certificate::Good));

/// A line of the client's key that no other key has.
fn key_line() -> String {
    let longest = CLIENT.key.lines().max_by_key(|line| line.len());
    longest.unwrap().to_owned()
}

fn signing(byte: u8) -> String {
    format!("whsec_{}", STANDARD.encode([byte; 24]))
}

/// A receiver that says back whatever it was told, secrets and all.
async fn parrot() -> Target {
    let target = Target::start().await;
    target.on_path(
        "/login",
        Scripted::json(&json!({"token": TOKEN}).to_string()),
    );
    target.on_path("/hook", Scripted::decided(|request| say_back(request, 200)));
    target.on_path(
        "/refuses",
        Scripted::decided(|request| say_back(request, 500)),
    );
    target
}

fn say_back(request: &Received, status: u16) -> Scripted {
    let mut answer =
        Scripted::status(status).body(String::from_utf8_lossy(&request.head).into_owned());
    for (name, value) in &request.headers {
        answer = answer.header(&format!("x-said-{name}"), value);
    }
    answer
}

async fn integration(api: &Api, name: &str, credentials: Value) -> String {
    let form = json!({"connector": "webhook", "name": name, "companies": [], "credentials": credentials, "delivery": {"schedule": ["0s"]}});
    api.made("api/v1/integrations", form).await
}

/// Everything goes to the integration.
async fn routed(api: &Api, id: &str, set: &str) {
    let rule = json!({"name": "All", "event_set_id": set});
    let rule = api
        .made(&format!("api/v1/integrations/{id}/rules"), rule)
        .await;
    let mapping = json!({"companies": "all", "rules": [rule], "create_webhook_alert": true});
    let path = format!("api/v1/integrations/{id}/mappings");
    let put = api.call("PUT", &path, Some(mapping)).await;
    assert_eq!(put.status, 200, "{}", put.body);
}

/// Secrets in at every door; answers of the calls that took them.
async fn secrets_in(api: &Api, target: &Target) -> Vec<Value> {
    let login = json!({
        "webhook_url": target.url("/hook"), "authentication_url": target.url("/login"), "username": "canary-user",
        "password": PASSWORD, "header_key": "X-Extra", "header_value": HEADER, "signing_secret": signing(1),
    });
    let refusing = json!({"webhook_url": target.url("/hook"), "header_key": "X-API-Key", "header_value": HEADER});
    let unreachable = json!({"webhook_url": "https://127.0.0.1:1/", "header_key": "X-API-Key", "header_value": HEADER,
        "client_certificate": CLIENT.certificate, "client_key": CLIENT.key});
    let company = api.made("api/v1/companies", json!({"name": "Acme"})).await;
    let set = json!({"name": "All", "notify_by": "event", "events": ["system.asset_added"]});
    let set = api.made("api/v1/event-sets", set).await;
    let by_login = integration(api, "By login", login).await;
    let later = integration(api, "Refuses later", refusing).await;
    integration(api, "Unreachable", unreachable).await;
    routed(api, &by_login, &set).await;
    routed(api, &later, &set).await;
    let path = format!("api/v1/integrations/{later}");
    let mut answers = Vec::new();
    let mut note = |answer: crate::server::Answer| answers.push(answer.body);
    let bad = json!({"credentials": {"header_key": "Bad Name", "header_value": LATER_HEADER}});
    note(api.call("PATCH", &path, Some(bad)).await);
    let patch = json!({"credentials": {"header_value": LATER_HEADER, "signing_secret": signing(2), "signing_secret_previous": signing(3)}});
    note(api.call("PATCH", &path, Some(patch)).await);
    let rotate = format!("{path}/signing-secret");
    let given = json!({"signing_secret": signing(5)});
    note(api.call("POST", &rotate, Some(given)).await);
    let authentication = json!({
        "header": {"key": "X-Source", "value": SOURCE_HEADER}, "basic": {"username": "basic", "password": SOURCE_BASIC},
        "login": {"username": "login", "password": SOURCE_LOGIN}, "signature": {"secret": signing(4)},
    });
    let source = json!({"name": "Source", "company": company, "authentication": authentication});
    let source = api.call("POST", "api/v1/sources", Some(source)).await;
    let [intake, id] =
        ["intake_url", "id"].map(|key| source.body[key].as_str().unwrap().to_owned());
    note(source);
    let bad = json!({"header": {"secret": format!("{SOURCE_HEADER}\u{7}")}});
    let path = format!("api/v1/sources/{id}/rotate");
    note(api.call("POST", &path, Some(bad)).await);
    let applied = json!({
        "sources": [{"name": "Applied", "authentication": {"basic": {"username": "basic", "password": SOURCE_BASIC}}}],
        "integrations": [{"name": "Applied", "connector": "webhook", "credentials": {"webhook_url": target.url("/refuses"),
            "header_key": "X-Extra", "header_value": HEADER}}],
    });
    for dry_run in [true, false] {
        let path = format!("api/v1/configuration?dry_run={dry_run}");
        let answer = api.call("PUT", &path, Some(applied.clone())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        note(answer);
    }
    let alert = json!({"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.0.2.9, hostname a.example"});
    let headers = [("x-source", SOURCE_HEADER), ("x-api-key", HEADER)];
    let sent = api
        .send("POST", &intake, alert.to_string().into_bytes(), &headers)
        .await;
    assert_eq!(sent.unwrap().status, 202);
    let event =
        json!({"event": "system.asset_added", "company": company, "fields": {"ip": "192.0.2.9"}});
    api.raise(event).await;
    api.settled().await;
    for action in ["check", "finish"] {
        for id in [&by_login, &later] {
            note(
                api.call("POST", &format!("api/v1/integrations/{id}/{action}"), None)
                    .await,
            );
        }
    }
    answers
}

/// Every list of the API, and each thing in it by itself.
async fn everything_said(api: &Api) -> Vec<Value> {
    const LISTS: [&str; 10] = [
        "integrations",
        "sources",
        "companies",
        "event-sets",
        "keys",
        "audit",
        "events",
        "deliveries",
        "whitelisting",
        "configuration",
    ];
    let mut said = Vec::new();
    for list in LISTS {
        let page = api.get(&format!("api/v1/{list}")).await;
        for item in page["items"].as_array().into_iter().flatten() {
            if let Some(id) = item["id"].as_str() {
                said.push(
                    api.call("GET", &format!("api/v1/{list}/{id}"), None)
                        .await
                        .body,
                );
            }
            if let Some(journal) = item["journal_id"].as_str() {
                said.push(api.get(&format!("api/v1/journal/{journal}")).await);
            }
        }
        said.push(page);
    }
    said
}

/// The bytes of all files of a folder, but for those that are to hold secrets.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Each canary as it was given, and as it travels.
fn canaries() -> Vec<String> {
    let plain = [
        PASSWORD,
        HEADER,
        LATER_HEADER,
        SOURCE_HEADER,
        SOURCE_BASIC,
        SOURCE_LOGIN,
        TOKEN,
        ADMIN,
    ]
    .map(str::to_owned);
    let signing = [1, 2, 3, 4, 5].map(signing);
    let signing_bare = signing
        .each_ref()
        .map(|secret| secret.trim_start_matches("whsec_").to_owned());
    let encoded = [PASSWORD, HEADER, SOURCE_BASIC].map(|secret| STANDARD.encode(secret));
    [&plain[..], &signing, &signing_bare, &encoded, &[key_line()]].concat()
}

fn expect_none(place: &str, bytes: &[u8]) {
    for canary in canaries() {
        let found = bytes
            .windows(canary.len())
            .any(|window| window == canary.as_bytes());
        assert!(!found, "{canary} is in {place}");
    }
}

fn command_line(server: &Server) -> Vec<String> {
    let ask = |arguments: &[&str]| {
        let mut command = alertwire(arguments);
        command
            .env("ALERTWIRE_URL", &server.url)
            .env("ALERTWIRE_API_KEY", ADMIN);
        let ended = run_with(command, b"");
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
        ended.stdout + &ended.stderr
    };
    vec![
        ask(&["deliveries", "list", "--json"]),
        ask(&["events", "list"]),
        ask(&["integrations", "list", "--json"]),
        ask(&["export"]),
    ]
}

#[tokio::test]
async fn no_secret_is_readable_back_anywhere() {
    let target = parrot().await;
    let place = Place::new()
        .with("ALERTWIRE_LOG__LEVEL", "trace")
        .with("ALERTWIRE_SETUP__API_KEY", ADMIN);
    let server = place.start();
    let api = server.api().by(ADMIN);
    let mut said = secrets_in(&api, &target).await;
    said.extend(everything_said(&api).await);
    for answer in &said {
        expect_none("an answer of the API", answer.to_string().as_bytes());
    }
    let echoed = |answer: &Value| answer.to_string().contains("x-said-x-api-key");
    assert!(said.iter().any(echoed), "what the parrot said was kept");
    let metrics = api.send("GET", "metrics", Vec::new(), &[]).await.unwrap();
    assert!(metrics.bytes.starts_with(b"#"), "metrics are there");
    expect_none("the metrics", &metrics.bytes);
    let (server, printed) = tokio::task::spawn_blocking(move || {
        let printed = command_line(&server);
        (server, printed)
    })
    .await
    .unwrap();
    printed
        .iter()
        .for_each(|text| expect_none("what the command line prints", text.as_bytes()));
    assert!(
        server.log().contains("DEBUG"),
        "the log tells more than it has to"
    );
    expect_none("the log", server.log().as_bytes());
    server.signal("TERM");
    server.ended().await;
    let kept = files(&place.state());
    assert!(
        kept.iter().any(|(name, _)| name.ends_with(".db")),
        "{:?}",
        kept.iter().map(|file| &file.0).collect::<Vec<_>>()
    );
    for (name, bytes) in kept {
        expect_none(&name, &bytes);
    }
}

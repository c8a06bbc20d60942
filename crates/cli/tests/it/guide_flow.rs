//! The set-up flow of the guide, driven over the API alone against an HTTPS receiver with an authentication URL.

use serde_json::{Value, json};
use testkit::{Answer as Scripted, Authority, Certificate, Received, Target};

use crate::server::{Answer, Api};
use crate::support::{Place, Server};

const USERNAME: &str = "alertwire@msp.example";
const PASSWORD: &str = "the password of the receiver";
const TOKEN: &str = "a-token-of-the-receiver";

/// An HTTPS receiver that gives a token for the right password, and takes alerts with that token alone.
struct Receiver {
    target: Target,
    place: Place,
}

impl Receiver {
    async fn start() -> Self {
        let authority = Authority::new();
        let target = Target::start_tls_with(&authority, Certificate::Good).await;
        target.on_path("/login", Scripted::decided(log_in));
        target.on_path("/alerts", Scripted::decided(take));
        let place = Place::new();
        let ca = place.folder.path().join("ca.pem");
        std::fs::write(&ca, target.ca_pem()).unwrap();
        let place = place.with("ALERTWIRE_EGRESS__CA", ca.to_str().unwrap());
        Self { target, place }
    }

    fn credentials(&self, password: &str) -> Value {
        json!({
            "webhook_url": self.target.url("/alerts"), "authentication_url": self.target.url("/login"),
            "username": USERNAME, "password": password,
        })
    }

    /// Alerts that came, test alerts apart.
    fn alerts(&self) -> Vec<Received> {
        let received = self.target.received().into_iter();
        received
            .filter(|request| request.path == "/alerts" && event(request) != Some("test"))
            .collect()
    }
}

fn event(request: &Received) -> Option<&str> {
    request.header("alertwire-event")
}

fn log_in(request: &Received) -> Scripted {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if asked == json!({"username": USERNAME, "password": PASSWORD}) {
        Scripted::json(&json!({"access_token": TOKEN, "expires_in": 3_600}).to_string())
    } else {
        Scripted::status(401)
    }
}

fn take(request: &Received) -> Scripted {
    let authorized = request.header("authorization") == Some(&format!("Bearer {TOKEN}"));
    Scripted::status(if authorized { 200 } else { 401 })
}

fn steps(check: &Value) -> Vec<(&str, bool)> {
    let steps = check["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            assert!(step["millis"].is_number(), "{step}");
            (step["name"].as_str().unwrap(), step["ok"] == true)
        })
        .collect()
}

async fn company(api: &Api, name: &str) -> String {
    api.made("api/v1/companies", json!({"name": name})).await
}

fn expect_missing_step(answer: &Answer) {
    assert_eq!(answer.status, 409, "{}", answer.body);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("the step Credentials is missing"),
        "{detail}"
    );
}

/// Credentials that are saved and do not authenticate: nothing that comes after them can be reached, and nothing is lost.
async fn saved_but_not_authenticated(api: &Api, receiver: &Receiver, company: &str) -> String {
    let form = json!({"connector": "webhook", "name": "Desk", "companies": [], "credentials": receiver.credentials("a wrong password")});
    let made = api.call("POST", "api/v1/integrations", Some(form)).await;
    assert_eq!((made.status, &made.body["status"]), (201, &json!("failed")));
    assert_eq!(steps(&made.body["check"]).last(), Some(&("login", false)));
    assert_eq!(made.body["credentials"]["username"], USERNAME);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let of = |path: &str| format!("api/v1/integrations/{id}/{path}");
    let rule = json!({"name": "Urgent", "event_set_id": company});
    expect_missing_step(&api.call("POST", &of("rules"), Some(rule)).await);
    let mapping = json!({"rules": [], "create_webhook_alert": true});
    let one = of(&format!("mappings/{company}"));
    expect_missing_step(&api.call("PUT", &one, Some(mapping)).await);
    let all = json!({"companies": "all", "rules": [], "create_webhook_alert": true});
    expect_missing_step(&api.call("PUT", &of("mappings"), Some(all)).await);
    expect_missing_step(&api.call("POST", &of("finish"), None).await);
    assert!(receiver.alerts().is_empty());
    let sent = receiver.target.received();
    assert!(
        sent.iter().all(|request| request.path == "/login"),
        "nothing is ever sent unauthenticated"
    );
    id
}

async fn authenticated(api: &Api, receiver: &Receiver, integration: &str) {
    let patch = json!({"credentials": {"password": PASSWORD}});
    let path = format!("api/v1/integrations/{integration}");
    let answer = api.call("PATCH", &path, Some(patch)).await;
    assert_eq!(answer.body["status"], "authenticated", "{}", answer.body);
    let names: Vec<_> = steps(&answer.body["check"])
        .into_iter()
        .map(|(name, ok)| {
            assert!(ok, "{name}");
            name
        })
        .collect();
    assert_eq!(
        names,
        [
            "url",
            "dns",
            "policy",
            "tcp",
            "tls",
            "login_dns",
            "login_policy",
            "login_tcp",
            "login_tls",
            "login",
            "token",
            "test_alert",
            "status"
        ]
    );
    let test = receiver.target.received().pop().unwrap();
    assert_eq!(event(&test), Some("test"));
    let alert: Value = serde_json::from_slice(&test.body).unwrap();
    assert_eq!(alert["subject"], "Alertwire Test");
}

/// Event set and rule; answers the rule.
async fn set_and_rule(api: &Api, integration: &str) -> String {
    let set = json!({"name": "Urgent", "notify_by": "event", "events": ["system.asset_added"]});
    let set = api.made("api/v1/event-sets", set).await;
    let rule = json!({"name": "Urgent to the desk", "event_set_id": set});
    api.made(&format!("api/v1/integrations/{integration}/rules"), rule)
        .await
}

async fn raise(api: &Api, company: &str, ip: &str) -> String {
    let event = json!({"event": "system.asset_added", "company": company, "fields": {"ip": ip}});
    api.raise(event).await
}

async fn routing(api: &Api, event: &str) -> String {
    let trace = api.get(&format!("api/v1/events/{event}/trace")).await;
    trace["routing"].as_str().unwrap().to_owned()
}

/// Mapped with *Create Webhook Alert* at its default, which is off: silent. Switched on: delivered.
async fn mapped(api: &Api, receiver: &Receiver, integration: &str, company: &str, rule: &str) {
    let path = format!("api/v1/integrations/{integration}/mappings/{company}");
    let silent = api.call("PUT", &path, Some(json!({"rules": [rule]}))).await;
    assert_eq!(silent.body["create_webhook_alert"], false);
    let event = raise(api, company, "192.0.2.1").await;
    assert_eq!(routing(api, &event).await, "mapping_off");
    let on = json!({"rules": [rule], "create_webhook_alert": true});
    assert_eq!(api.call("PUT", &path, Some(on)).await.status, 200);
    raise(api, company, "192.0.2.2").await;
    api.settled().await;
    let alerts = receiver.alerts();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].text().contains("192.0.2.2"));
    assert_eq!(
        alerts[0].header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
}

/// A mapping of all companies covers one that is added after it.
async fn mapped_for_all(api: &Api, receiver: &Receiver, integration: &str, rule: &str) {
    let all = json!({"companies": "all", "rules": [rule], "create_webhook_alert": true});
    let path = format!("api/v1/integrations/{integration}/mappings");
    assert_eq!(api.call("PUT", &path, Some(all)).await.status, 200);
    let later = company(api, "A company that came later").await;
    raise(api, &later, "192.0.2.3").await;
    api.settled().await;
    assert!(receiver.alerts()[1].text().contains("192.0.2.3"));
}

async fn finished(api: &Api, receiver: &Receiver, integration: &str) {
    let path = format!("api/v1/integrations/{integration}/finish");
    let good = api.call("POST", &path, None).await;
    assert_eq!((good.status, &good.body["ok"]), (200, &json!(true)));
    assert_eq!(
        event(&receiver.target.received().pop().unwrap()),
        Some("test")
    );
}

/// The receiver is gone: the error of the guide, with its cause, its remedy and a whitelisting page that is there.
async fn error_sending(server: &Server, receiver: Receiver, integration: &str) {
    let api = server.api();
    drop(receiver.target);
    let path = format!("api/v1/integrations/{integration}/finish");
    let bad = api.call("POST", &path, None).await;
    assert_eq!(bad.status, 502, "{}", bad.body);
    assert_eq!(bad.body["title"], "Error Sending Request for URL");
    assert_eq!(bad.body["cause"], "connect", "{}", bad.body);
    assert!(!bad.body["remedy"].as_str().unwrap().is_empty());
    assert_eq!(steps(&bad.body["check"]).last(), Some(&("tcp", false)));
    let page = api.get(bad.body["whitelisting"].as_str().unwrap()).await;
    assert!(
        page["user_agent"]
            .as_str()
            .unwrap()
            .starts_with("alertwire/")
    );
    let kept = api.get(&format!("api/v1/integrations/{integration}")).await;
    assert_eq!(kept["name"], "Desk", "the set-up is kept");
}

#[tokio::test]
async fn the_guide_is_followed_from_credentials_to_finish() {
    let receiver = Receiver::start().await;
    let server = receiver.place.start();
    let api = server.api();
    let acme = company(&api, "Acme Corporation").await;
    let integration = saved_but_not_authenticated(&api, &receiver, &acme).await;
    authenticated(&api, &receiver, &integration).await;
    let rule = set_and_rule(&api, &integration).await;
    mapped(&api, &receiver, &integration, &acme, &rule).await;
    mapped_for_all(&api, &receiver, &integration, &rule).await;
    finished(&api, &receiver, &integration).await;
    error_sending(&server, receiver, &integration).await;
}

mod audit;
mod catalogue;
mod company;
mod dashboard;
pub mod delivery;
mod event;
mod event_set;
mod import;
mod integration;
mod job;
mod key;
mod list;
mod mapping;
mod rule;
mod silence;
mod source;
mod system;
mod user;
mod welcome;

use axum::body::Body;
use domain::KeyId;
use domain::access::{Actor, ApiKey, Role, SETUP_KEY, Scope};
use http::Method;
use serde_json::json;
use store::Change;
use testkit::Target;

use crate::browser::{Browser, PASSWORD};
use crate::support::{Server, id, request};

const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// The server as the first start leaves it.
async fn fresh() -> (Server, String) {
    let server = Server::start().await;
    let token = "aw_the_set_up_token";
    let key = ApiKey {
        id: server
            .app
            .dice()
            .roll(|rng| KeyId::new(server.clock.now(), rng)),
        name: SETUP_KEY.to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        digest: receive::key_digest(server.app.store(), token),
        created_at: server.clock.now(),
        last_used_at: None,
    };
    let change = Change::InsertKey(key);
    let made = server
        .app
        .store()
        .change(change, &Actor::System, server.clock.now());
    made.await.unwrap();
    (server, token.to_owned())
}

fn setup<'a>(token: &'a str, name: &'a str, password: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("token", token),
        ("name", name),
        ("password", password),
        ("again", password),
    ]
}

#[tokio::test]
async fn the_set_up_token_makes_the_first_user_once() {
    let (server, token) = fresh().await;
    let browser = Browser::default();
    browser.get(&server, "/setup").await.expect(403);
    browser.get(&server, "/setup?token=wrong").await.expect(403);
    let other = server.admin.clone();
    browser
        .get(&server, &format!("/setup?token={other}"))
        .await
        .expect(403);
    let page = browser
        .get(&server, &format!("/setup?token={token}"))
        .await
        .expect(200);
    assert!(page.text().contains("Make the first user"));
    let refused = browser
        .post(&server, "/setup", &setup("wrong", "Anna", PASSWORD))
        .await;
    refused.expect(403);
    let refused = browser
        .post(&server, "/setup", &setup(&token, "Anna", "short"))
        .await;
    assert!(refused.expect(422).text().contains("12 characters"));
    let mut unlike = setup(&token, "Anna", PASSWORD);
    unlike[3].1 = "another good password";
    browser.post(&server, "/setup", &unlike).await.expect(422);
    server
        .call_as(&token, Method::GET, "/api/v1/companies", None)
        .await
        .expect(200);
    let made = browser
        .post(&server, "/setup", &setup(&token, "Anna", PASSWORD))
        .await
        .expect(303);
    let cookie = made
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let anna = Browser { cookie };
    anna.get(&server, "/events").await.expect(200);
    anna.get(&server, "/api/v1/users").await.expect(200);
    for path in ["/setup", &format!("/setup?token={token}")] {
        anna.get(&server, path).await.expect(404);
    }
    let again = browser
        .post(&server, "/setup", &setup(&token, "Ben", PASSWORD))
        .await;
    again.expect(404);
    server
        .call_as(&token, Method::GET, "/api/v1/companies", None)
        .await
        .problem(401);
}

#[tokio::test]
async fn without_a_set_up_token_there_is_no_set_up() {
    let server = Server::start().await;
    let path = format!("/setup?token={}", server.admin);
    Browser::default().get(&server, &path).await.expect(404);
    let page = Browser::default()
        .get(&server, "/sign-in")
        .await
        .expect(200);
    assert!(page.text().contains("alertwire user create"));
    let (server, token) = fresh().await;
    server.user("Anna", Role::Admin, Scope::All).await;
    Browser::default()
        .get(&server, &format!("/setup?token={token}"))
        .await
        .expect(404);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_safe() {
    let (server, token) = fresh().await;
    let setup = format!("/setup?token={token}");
    let page = Browser::default().get(&server, &setup).await.expect(200);
    let asset = page
        .text()
        .split("href=\"/assets/console-")
        .nth(1)
        .unwrap()
        .to_owned();
    let asset = format!("/assets/console-{}", asset.split('"').next().unwrap());
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    server.company("Acme").await;
    let event = server.asset_added("Acme", "10.0.0.1").await;
    let nothing = "00000000-0000-7000-8000-000000000000";
    let paths = [
        ("/", 200),
        ("/sign-in", 303),
        ("/setup", 404),
        ("/events", 200),
        ("/events?severity=nonsense", 422),
        (&format!("/events/{event}"), 200),
        (&format!("/events/{nothing}"), 404),
        ("/deliveries", 200),
        (&format!("/deliveries/{nothing}"), 404),
        ("/help/causes", 200),
        ("/account", 200),
        (asset.as_str(), 200),
        ("/assets/console-other.css", 404),
        ("/nowhere", 404),
        ("/api/v1/companies", 200),
        ("/api/v1/nowhere", 404),
        ("/api/v1/events/nonsense", 404),
    ];
    for (path, status) in paths {
        let answer = anna.get(&server, path).await.expect(status);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let kept = answer.header("cache-control");
        let is_asset = path == asset;
        assert_eq!(kept == "no-store", !is_asset, "{path}: {kept}");
        let is_page = answer.header("content-type").starts_with("text/html");
        // What is asked for at no path of the API is a page that is not there.
        let is_console = [
            "/events",
            "/deliveries",
            "/help",
            "/account",
            "/setup",
            "/nowhere",
        ]
        .iter()
        .any(|start| path.starts_with(start) || path == "/");
        assert_eq!(is_page, is_console, "{path}");
        let misdirected = http::Request::builder()
            .uri(path)
            .header("host", "evil.example")
            .header("cookie", &anna.cookie);
        let misdirected = server.send(misdirected.body(Body::empty()).unwrap()).await;
        misdirected.expect(421);
    }
}

#[tokio::test]
async fn lists_have_filters_in_the_url_and_three_kinds_of_empty() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let text = async |path: &str| anna.get(&server, path).await.expect(200).text();
    assert!(text("/events").await.contains("No events yet"));
    assert!(text("/deliveries").await.contains("No deliveries yet"));
    let routed = server.routed("Acme", &target).await;
    for number in 1..=3 {
        server
            .asset_added(&routed.company, &format!("10.0.0.{number}"))
            .await;
    }
    let page = text("/events?limit=2&company=Acme").await;
    assert_eq!(page.matches("<a class=\"row\"").count(), 2);
    let next = page.split("rel=\"next\"").next().unwrap();
    let next = next
        .rsplit("href=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let next = next.replace("&#38;", "&");
    assert!(
        next.contains("company=Acme") && next.contains("limit=2"),
        "{next}"
    );
    let rest = text(&next).await;
    assert_eq!(rest.matches("<a class=\"row\"").count(), 1);
    assert!(rest.contains(">Newest</a>"));
    let none = text("/events?severity=critical&company=Acme").await;
    assert!(none.contains("No event fits") && none.contains("href=\"/events?company=Acme\""));
    assert!(
        text("/deliveries?status=dead")
            .await
            .contains("No delivery fits")
    );
    assert_eq!(
        text("/deliveries?status=pending")
            .await
            .matches("<a class=\"row\"")
            .count(),
        3
    );
    let bad = anna
        .get(&server, "/events?severity=nonsense&since=x")
        .await
        .expect(422)
        .text();
    assert!(
        bad.contains("?severity") && bad.contains("?since") && bad.contains("href=\"/events\""),
        "{bad}"
    );
    assert!(bad.contains("Request <code>"));
}

#[tokio::test]
async fn an_event_shows_how_it_was_read_and_hostile_text_as_text() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let source = json!({"name": HOSTILE, "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&server.source(source).await);
    let take = async |subject: &str, body: &str| {
        let alert = json!({"subject": subject, "body": body}).to_string();
        let request = request(Method::POST, &format!("/intake/{source}"));
        let receipt = server.send(request.body(Body::from(alert)).unwrap()).await;
        receipt.expect(202).json()["events"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let known = take(
        "Asset Ports",
        "Open Port 443 Discovered for Asset 192.168.1.100",
    )
    .await;
    let page = anna
        .get(&server, &format!("/events/{known}"))
        .await
        .expect(200)
        .text();
    assert!(page.contains("<mark title=\"port\">443</mark>"), "{page}");
    assert!(
        page.contains("<mark title=\"ip\">192.168.1.100</mark>"),
        "{page}"
    );
    assert!(
        page.contains("unassigned") && page.contains("/raw\""),
        "{page}"
    );
    let subject = format!("{HOSTILE}\u{202e}");
    let hostile = take(&subject, "line\u{0}\n<script>alert(1)</script>").await;
    for path in [format!("/events/{hostile}"), "/events".to_owned()] {
        let page = anna.get(&server, &path).await.expect(200).text();
        assert!(
            !page.contains("<img src=x") && !page.contains("<script>"),
            "{page}"
        );
        assert!(
            !page.contains('\u{202e}') && page.contains(">RLO</span>"),
            "{page}"
        );
        assert!(page.contains("&#60;img src=x"), "{page}");
    }
}

#[tokio::test]
async fn a_delivery_shows_its_attempts_and_an_operator_sends_it_again() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let event = server.asset_added(&routed.company, "10.0.0.1").await;
    let list = server
        .get(&format!("/api/v1/deliveries?event={event}"))
        .await
        .json();
    let delivery = id(&list["items"][0]);
    let path = format!("/deliveries/{delivery}");
    let viewer = server.browser("Viewer", Role::Viewer, Scope::All).await;
    let page = viewer.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("The next attempt is due") && !page.contains("Try now"),
        "{page}"
    );
    let token = viewer.form_token(&server).await;
    let retry = format!("{path}/retry");
    viewer
        .post(&server, &retry, &[("form_token", &token)])
        .await
        .expect(403);
    let operator = server.browser("Operator", Role::Operator, Scope::All).await;
    let page = operator.get(&server, &path).await.expect(200).text();
    assert!(page.contains("Try now"), "{page}");
    operator
        .post(&server, &retry, &[("form_token", &token)])
        .await
        .expect(403);
    let token = operator.form_token(&server).await;
    let again = operator
        .post(&server, &retry, &[("form_token", &token)])
        .await
        .expect(303);
    assert_eq!(again.header("location"), path);
    let audit = server.get("/api/v1/audit?action=retry").await.json();
    assert_eq!(audit["items"][0]["actor"]["user"]["name"], "Operator");
}

#[tokio::test]
async fn a_company_s_viewer_sees_nothing_of_another() {
    let (server, target) = (Server::start().await, Target::start().await);
    let (acme, globex) = (
        server.routed("Acme", &target).await,
        server.routed("Globex", &target).await,
    );
    let event = server.asset_added(&globex.company, "10.9.9.9").await;
    server.asset_added(&acme.company, "10.1.1.1").await;
    let list = server
        .get(&format!("/api/v1/deliveries?event={event}"))
        .await
        .json();
    let delivery = id(&list["items"][0]);
    let own = Scope::Companies(vec![Server::company_id(&acme.company)]);
    let anna = server.browser("Anna", Role::Operator, own).await;
    for path in [
        format!("/events/{event}"),
        format!("/deliveries/{delivery}"),
    ] {
        anna.get(&server, &path).await.expect(404);
    }
    let token = anna.form_token(&server).await;
    let retry = format!("/deliveries/{delivery}/retry");
    anna.post(&server, &retry, &[("form_token", &token)])
        .await
        .expect(404);
    for path in ["/events", "/deliveries"] {
        let page = anna.get(&server, path).await.expect(200).text();
        // An integration for all companies is everybody's, whatever it is called; the filter proposes it.
        let rows = page.split("<tbody>").nth(1).unwrap();
        assert!(rows.contains("Acme") && !rows.contains("Globex"), "{rows}");
        assert!(!page.contains("value=\"Globex\""), "{page}");
        anna.get(&server, &format!("{path}?company=Globex"))
            .await
            .expect(422);
    }
}

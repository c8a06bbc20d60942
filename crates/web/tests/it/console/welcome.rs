use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;
use testkit::{Answer, Target};

use crate::support::{Server, request};

fn send<'a>(url: &'a str, company: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("name", "Service desk"),
        ("webhook_url", url),
        ("company", company),
        ("header_key", "X-API-Key"),
        ("header_value", "a-long-secret"),
    ]
}

#[tokio::test]
async fn one_form_makes_all_that_the_first_alert_needs() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/welcome").await.expect(200).text();
    assert!(page.contains("href=\"/welcome/send\""), "{page}");
    anna.get(&server, "/welcome/send").await.expect(200);
    let url = target.url("/hook");
    let made = anna
        .act(&server, "/welcome/send", &send(&url, "Acme"))
        .await;
    let path = made.expect(303).header("location").to_owned();
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(page.contains("Send a test event"), "{page}");
    let sent = target.received();
    assert_eq!(sent[0].header("x-api-key"), Some("a-long-secret"));
    let raised = anna.act(&server, &format!("{path}/event"), &[]).await;
    let waiting = raised.expect(303).header("location").to_owned();
    let page = anna.get(&server, &waiting).await.expect(200).text();
    assert!(
        page.contains("data-refresh") && page.contains("It is on its way"),
        "{page}"
    );
    let deliveries = server.get("/api/v1/deliveries").await.json();
    assert_eq!(deliveries["items"][0]["subject"], "New Asset(s) Added");
    assert_eq!(deliveries["items"][0]["company"]["name"], "Acme");
    let again = anna
        .act(&server, "/welcome/send", &send(&url, "Acme"))
        .await;
    assert!(again.expect(409).text().contains("Service desk"));
    assert!(!page.contains("a-long-secret"));
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_kept_and_tested_again() {
    let (server, target) = (Server::start().await, Target::start().await);
    target.answer(Answer::status(401));
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let url = target.url("/hook");
    let made = anna
        .act(&server, "/welcome/send", &send(&url, "Acme"))
        .await;
    let path = made.expect(303).header("location").to_owned();
    let page = anna.get(&server, &path).await.expect(200).text();
    for wanted in [
        "Error Sending Request for URL",
        "Review the Whitelisting page",
        "401",
        "Test again",
        &url,
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert!(!page.contains("Send a test event"));
    let sets = server.get("/api/v1/event-sets").await.json();
    assert_eq!(sets["items"].as_array().unwrap().len(), 0);
    target.answer(Answer::ok());
    let checked = anna.act(&server, &format!("{path}/check"), &[]).await;
    checked.expect(303);
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(page.contains("Send a test event"), "{page}");
    anna.act(&server, &format!("{path}/check"), &[])
        .await
        .expect(303);
    let sets = server.get("/api/v1/event-sets").await.json();
    assert_eq!(sets["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_stands_beside_its_field_and_the_rest_stays() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let bad = send("http://example.com/hook", "Acme");
    let page = anna.act(&server, "/welcome/send", &bad).await;
    let page = page.expect(422).text();
    assert!(
        page.contains("value=\"http://example.com/hook\"") && page.contains("aria-invalid"),
        "{page}"
    );
    assert!(page.contains("value=\"Service desk\"") && !page.contains("a-long-secret"));
}

#[tokio::test]
async fn a_source_is_made_with_a_key_that_is_shown_once() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let fields = [("name", "Vendor scanner"), ("company", "Acme")];
    let page = anna.act(&server, "/welcome/receive", &fields).await;
    let page = page.expect(200).text();
    let after = |mark: &str| page.split(mark).nth(1).unwrap();
    let key = after("Authentication Header Value</th><td><code data-copy>");
    let key = key.split('<').next().unwrap();
    let wait = after("href=\"/welcome/receive/").split('"').next().unwrap();
    let path = format!("/welcome/receive/{wait}");
    let empty = anna.get(&server, &path).await.expect(200).text();
    assert!(
        empty.contains("Nothing has come yet") && !empty.contains(key),
        "{empty}"
    );
    let alert =
        json!({"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100."});
    let request = request(Method::POST, &format!("/intake/{wait}")).header("x-api-key", key);
    let taken = request.body(Body::from(alert.to_string())).unwrap();
    server.send(taken).await.expect(202);
    let first = anna.get(&server, &path).await.expect(200).text();
    assert!(
        first.contains("The first alert is here") && !first.contains("data-refresh"),
        "{first}"
    );
}

#[tokio::test]
async fn only_admins_of_all_companies_set_up() {
    let server = Server::start().await;
    for (name, role) in [("Ben", Role::Viewer), ("Olga", Role::Operator)] {
        let browser = server.browser(name, role, Scope::All).await;
        let page = browser.get(&server, "/welcome").await.expect(200).text();
        assert!(!page.contains("href=\"/welcome/send\""), "{page}");
        for path in ["/welcome/send", "/welcome/receive"] {
            browser.get(&server, path).await.expect(403);
            browser
                .act(&server, path, &[("name", "a")])
                .await
                .expect(403);
        }
    }
}

#[tokio::test]
async fn the_whitelisting_page_says_what_to_let_in() {
    let server = Server::start_with(|settings| {
        settings.egress_addresses = vec!["192.0.2.7/32".parse().unwrap()];
    })
    .await;
    let ben = server.browser("Ben", Role::Viewer, Scope::All).await;
    let page = ben.get(&server, "/help/whitelisting").await;
    let page = page.expect(200).text();
    for wanted in [
        "192.0.2.7",
        "User-Agent",
        "webhook-signature",
        "nft add rule",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
}

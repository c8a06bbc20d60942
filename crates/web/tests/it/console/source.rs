use std::time::Duration;

use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;

use crate::browser::Browser;
use crate::support::{Answer, Server, id, request};

/// Sends an alert by a header and tells the status.
async fn sent(server: &Server, path: &str, value: &str) -> u16 {
    let alert = json!({"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100"});
    let request = request(Method::POST, path).header("x-api-key", value);
    let answer = server
        .send(request.body(Body::from(alert.to_string())).unwrap())
        .await;
    answer.status.as_u16()
}

async fn post(server: &Server, anna: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = anna.form_token(server).await;
    let fields = [&[("form_token", token.as_str())], fields].concat();
    anna.post(server, path, &fields).await
}

fn made_secret(page: &str) -> String {
    let rest = page.split("class=\"once\"").nth(1).unwrap();
    let rest = rest.split("value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_source_whose_secret_is_made_shows_it_once_with_what_to_type() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/sources").await.expect(200).text();
    assert!(page.contains("No sources yet"), "{page}");
    anna.get(&server, "/sources/new").await.expect(200);
    let bad = post(
        &server,
        &anna,
        "/sources",
        &[("name", "Door"), ("reach", "all"), ("addresses", "x")],
    )
    .await;
    assert!(bad.expect(422).text().contains("is an address or a range"));
    let fields = [
        ("name", "Door"),
        ("header", "on"),
        ("header_name", "X-API-Key"),
        ("reach", "some"),
        ("companies", acme.as_str()),
        ("default_company", "Acme"),
        ("dedup_window", "5m"),
        ("json_depth", "16"),
    ];
    let made = post(&server, &anna, "/sources", &fields)
        .await
        .expect(200)
        .text();
    let secret = made_secret(&made);
    assert!(made.matches(&secret).count() >= 3, "{made}");
    for label in [
        "Webhook URL",
        "Authentication Header Key",
        "Authentication Header Value",
        "Selected Associated Companies",
    ] {
        assert!(made.contains(label), "{label}: {made}");
    }
    let source = server.get("/api/v1/sources").await.json()["items"][0].clone();
    assert_eq!(
        (&source["dedup_window"], &source["limits"]["json_depth"]),
        (&json!("5m"), &json!(16))
    );
    let path = format!("/sources/{}", id(&source));
    let intake = format!("/intake/{}", id(&source));
    assert_eq!(sent(&server, &intake, &secret).await, 202);
    assert_eq!(sent(&server, &intake, "wrong").await, 401);
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains(&intake) && !page.contains(&secret) && page.contains("THE-SECRET"),
        "{page}"
    );
    let list = anna.get(&server, "/sources").await.expect(200).text();
    assert!(
        list.contains("Door") && list.contains("Acme") && list.contains("</span> 1</span>"),
        "{list}"
    );
}

#[tokio::test]
async fn a_source_is_changed_without_typing_its_secret_again() {
    let server = Server::start().await;
    let authentication = json!({"header": {"key": "X-API-Key", "value": "canary-secret-1234"}});
    let source = id(&server
        .source(json!({"name": "Door", "authentication": authentication}))
        .await);
    let (path, intake) = (
        format!("/sources/{source}/edit"),
        format!("/intake/{source}"),
    );
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("set, ends with 1234") && !page.contains("canary"),
        "{page}"
    );
    let kept = [
        ("name", "Gate"),
        ("header", "on"),
        ("header_name", "X-API-Key"),
        ("reach", "all"),
    ];
    post(&server, &anna, &path, &kept).await.expect(303);
    assert_eq!(sent(&server, &intake, "canary-secret-1234").await, 202);
    let typed = [
        &kept[..],
        &[("header_secret", "canary-other-5678"), ("json_depth", "99")],
    ]
    .concat();
    let bad = post(&server, &anna, &path, &typed).await.expect(422).text();
    assert!(
        bad.contains("from 1 to 32") && !bad.contains("canary"),
        "{bad}"
    );
    let basic = [
        ("name", "Gate"),
        ("basic", "on"),
        ("basic_name", "scanner"),
        ("reach", "all"),
    ];
    let made = post(&server, &anna, &path, &basic).await.expect(200).text();
    assert!(
        made.contains("Webhook Password") && made.contains("-u &#39;scanner:"),
        "{made}"
    );
    assert_eq!(sent(&server, &intake, "canary-secret-1234").await, 401);
}

#[tokio::test]
async fn a_secret_is_rotated_and_the_old_one_counts_down() {
    let server = Server::start().await;
    let authentication = json!({"header": {"key": "X-API-Key", "value": "the-old-secret"}});
    let source = id(&server
        .source(json!({"name": "Door", "authentication": authentication}))
        .await);
    let (path, intake) = (format!("/sources/{source}"), format!("/intake/{source}"));
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let rotate = format!("{path}/rotate");
    let turn = [
        ("way", "header"),
        ("secret", ""),
        ("overlap", "7d"),
        ("then", "rotate"),
    ];
    let made = post(&server, &anna, &rotate, &turn)
        .await
        .expect(200)
        .text();
    let secret = made_secret(&made);
    for good in ["the-old-secret", &secret] {
        assert_eq!(sent(&server, &intake, good).await, 202);
    }
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(page.contains("The old one ends in 7 days"), "{page}");
    server.clock.advance(Duration::from_secs(5 * 86_400));
    let anna = {
        let mut anna = anna;
        anna.sign_in(&server, "Anna", crate::browser::PASSWORD)
            .await
            .expect(303);
        anna
    };
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(page.contains("The old one ends in"), "{page}");
    post(
        &server,
        &anna,
        &rotate,
        &[("way", "header"), ("then", "end")],
    )
    .await
    .expect(303);
    assert_eq!(sent(&server, &intake, "the-old-secret").await, 401);
    assert_eq!(sent(&server, &intake, &secret).await, 202);
    let bad = post(
        &server,
        &anna,
        &rotate,
        &[("way", "basic"), ("then", "end")],
    )
    .await;
    assert!(
        bad.expect(422)
            .text()
            .contains("is no way by which this source lets in")
    );
}

#[tokio::test]
async fn company_rules_are_added_ordered_and_removed() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.company("Globex").await;
    let source = json!({"name": "Door", "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&server.source(source).await);
    let path = format!("/sources/{source}");
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let change = async |fields: &[(&str, &str)]| {
        let page = anna.get(&server, &path).await.expect(200).text();
        let mark = page
            .split("name=\"mark\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let fields = [&[("mark", mark.as_str())], fields].concat();
        post(&server, &anna, &format!("{path}/company-rules"), &fields).await
    };
    let add = |when, value, company| {
        [
            ("then", "add"),
            ("when", when),
            ("value", value),
            ("rule_company", company),
        ]
    };
    change(&add("hostname", "web-*", "Acme")).await.expect(303);
    change(&add("address", "10.0.0.0/8", "Globex"))
        .await
        .expect(303);
    let bad = change(&add("address", "nowhere", "Globex"))
        .await
        .expect(422)
        .text();
    assert!(bad.contains("is an address or a range"), "{bad}");
    change(&[("then", "up:1")]).await.expect(303);
    let rules = server.get(&format!("/api/v1{path}")).await.json()["company_rules"].clone();
    assert_eq!(rules[0]["when"]["address"], "10.0.0.0/8", "{rules}");
    change(&[("then", "down:1")]).await.expect(422);
    change(&[("then", "remove:0")]).await.expect(303);
    let old = [("mark", "00"), ("then", "remove:0")];
    let kept = post(&server, &anna, &format!("{path}/company-rules"), &old).await;
    assert!(kept.expect(422).text().contains("changed meanwhile"));
    let rules = server.get(&format!("/api/v1{path}")).await.json()["company_rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_may_not_change_a_source_sees_it_without_buttons() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let door = |name: &str, company: &str| {
        json!({"name": name, "companies": [company],
        "authentication": {"header": {"key": "X-Key", "value": "canary-secret-1234"}}})
    };
    let (ours, theirs) = (
        id(&server.source(door("Ours", &acme)).await),
        id(&server.source(door("Theirs", &globex)).await),
    );
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role) in [
        ("V", Role::Viewer),
        ("O", Role::Operator),
        ("A", Role::Admin),
    ] {
        let ben = server.browser(name, role, own.clone()).await;
        let list = ben.get(&server, "/sources").await.expect(200).text();
        assert!(
            list.contains("Ours") && !list.contains("Theirs") && !list.contains("/sources/new"),
            "{list}"
        );
        let page = ben
            .get(&server, &format!("/sources/{ours}"))
            .await
            .expect(200)
            .text();
        assert!(
            !page.contains("canary") && !page.contains("Rotate") && !page.contains("/edit"),
            "{page}"
        );
        ben.get(&server, &format!("/sources/{theirs}"))
            .await
            .expect(404);
        for path in [
            format!("/sources/{ours}/edit"),
            format!("/sources/{ours}/remove"),
            "/sources/new".to_owned(),
        ] {
            ben.get(&server, &path).await.expect(403);
        }
        for rest in ["edit", "rotate", "company-rules", "remove"] {
            post(
                &server,
                &ben,
                &format!("/sources/{ours}/{rest}"),
                &[("typed", "Ours")],
            )
            .await
            .expect(403);
        }
    }
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let remove = format!("/sources/{ours}/remove");
    anna.get(&server, &remove).await.expect(200);
    post(&server, &anna, &remove, &[("typed", "Theirs")])
        .await
        .expect(422);
    post(&server, &anna, &remove, &[("typed", "Ours")])
        .await
        .expect(303);
    anna.get(&server, &format!("/sources/{ours}"))
        .await
        .expect(404);
}

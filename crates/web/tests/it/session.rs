use std::time::Duration;

use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;
use web::PublicUrl;

use crate::browser::{Browser, PASSWORD, form};
use crate::support::{Server, request};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn who_signs_in_sees_pages_and_the_api_until_they_sign_out() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    anna.get(&server, "/events").await.expect(200);
    anna.get(&server, "/api/v1/companies").await.expect(200);
    let token = anna.form_token(&server).await;
    let refused = anna
        .post(&server, "/sign-out", &[("form_token", "other")])
        .await;
    refused.expect(403);
    let out = anna
        .post(&server, "/sign-out", &[("form_token", &token)])
        .await;
    let out = out.expect(303);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    anna.get(&server, "/api/v1/companies").await.problem(401);
    let gone = anna.get(&server, "/events?severity=high").await.expect(303);
    assert_eq!(
        gone.header("location"),
        "/sign-in?next=%2Fevents%3Fseverity%3Dhigh"
    );
}

#[tokio::test]
async fn a_sign_in_makes_a_token_of_its_own_whatever_the_browser_brought() {
    let server = Server::start().await;
    server.user("Anna", Role::Viewer, Scope::All).await;
    let fixed =
        "alertwire-loopback=0000000000000000000000000000000000000000000000000000000000000000";
    let mut anna = Browser {
        cookie: fixed.to_owned(),
    };
    anna.get(&server, "/events").await.expect(303);
    let answer = anna.sign_in(&server, "anna", PASSWORD).await.expect(303);
    assert_eq!(answer.header("location"), "/");
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert_ne!(anna.cookie, fixed);
    let first = anna.clone();
    anna.sign_in(&server, "anna", PASSWORD).await.expect(303);
    assert_ne!(anna.cookie, first.cookie);
    first.get(&server, "/events").await.expect(303);
    let forged = Browser {
        cookie: fixed.to_owned(),
    };
    forged.get(&server, "/events").await.expect(303);
    anna.get(&server, "/events").await.expect(200);
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let server = Server::start().await;
    server.user("Anna", Role::Admin, Scope::All).await;
    let off = server.user("Off", Role::Admin, Scope::All).await;
    let path = format!("/api/v1/users/{off}");
    server
        .patch(&path, json!({"enabled": false}))
        .await
        .expect(200);
    let mut pages = Vec::new();
    for (name, password) in [
        ("Anna", "wrong horse battery"),
        ("Nobody", PASSWORD),
        ("Off", PASSWORD),
        ("Anna", ""),
    ] {
        let answer = Browser::default()
            .sign_in(&server, name, password)
            .await
            .expect(401);
        assert_eq!(answer.header("set-cookie"), "");
        pages.push(answer.text().replace(&format!("value=\"{name}\""), ""));
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]));
    assert!(pages[0].contains("the name or the password is not right"));
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_and_others_are_not() {
    let server = Server::start_with(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    server.user("Anna", Role::Admin, Scope::All).await;
    let attempt = async |from: &str, password: &str| {
        let fields = [("name", "Anna"), ("password", password)];
        let request = request(Method::POST, "/sign-in")
            .header("x-forwarded-for", from)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        server
            .send(request.body(Body::from(form(&fields))).unwrap())
            .await
    };
    for _ in 0..4 {
        attempt("198.51.100.1", "a wrong password")
            .await
            .expect(401);
    }
    let refused = attempt("198.51.100.1", PASSWORD).await.expect(429);
    assert_eq!(refused.header("retry-after"), "1");
    attempt("203.0.113.9", PASSWORD).await.expect(303);
    server.clock.advance(Duration::from_secs(1));
    attempt("198.51.100.1", PASSWORD).await.expect(303);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_after_a_working_day() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    for _ in 0..24 {
        server.clock.advance(29 * MINUTE);
        anna.get(&server, "/events").await.expect(200);
    }
    server.clock.advance(24 * MINUTE + Duration::from_secs(1));
    anna.get(&server, "/events").await.expect(303);
    let mut ben = server.browser("Ben", Role::Viewer, Scope::All).await;
    server.clock.advance(30 * MINUTE);
    ben.get(&server, "/events").await.expect(303);
    ben.sign_in(&server, "Ben", PASSWORD).await.expect(303);
    ben.get(&server, "/events").await.expect(200);
}

#[tokio::test]
async fn what_a_page_asks_for_by_itself_is_no_use_of_the_session() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    for _ in 0..2 {
        server.clock.advance(14 * MINUTE);
        let again = request(Method::GET, "/events")
            .header("cookie", &anna.cookie)
            .header("alertwire-refresh", "1");
        server
            .send(again.body(Body::empty()).unwrap())
            .await
            .expect(200);
    }
    server.clock.advance(2 * MINUTE);
    anna.get(&server, "/events").await.expect(303);
}

#[tokio::test]
async fn a_session_changes_something_only_from_a_page_of_ours() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let call = async |headers: &[(&str, &str)]| {
        let mut request = request(Method::POST, "/api/v1/companies")
            .header("cookie", &anna.cookie)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = json!({"name": format!("Company {}", headers.len())}).to_string();
        server
            .send(request.body(Body::from(body)).unwrap())
            .await
            .status
            .as_u16()
    };
    for forged in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://evil.example")],
        &[("origin", "http://localhost:8081")],
        &[("origin", "null")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://localhost"),
        ],
    ] {
        assert_eq!(call(forged).await, 403, "{forged:?}");
    }
    assert_eq!(call(&[("origin", "http://localhost")]).await, 201);
    assert_eq!(
        call(&[("sec-fetch-site", "same-origin"), ("x", "y")]).await,
        201
    );
    let fields = [("name", "Anna"), ("password", PASSWORD)];
    let request = request(Method::POST, "/sign-in")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    let forced = server
        .send(request.body(Body::from(form(&fields))).unwrap())
        .await;
    assert_eq!(forced.expect(403).header("set-cookie"), "");
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host_and_in_the_clear_nobody_signs_in() {
    let server = Server::start_with(|settings| {
        settings.public_url = PublicUrl::parse("https://localhost").unwrap();
    })
    .await;
    server.user("Anna", Role::Viewer, Scope::All).await;
    let answer = Browser::default()
        .sign_in(&server, "Anna", PASSWORD)
        .await
        .expect(303);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-alertwire="), "{cookie}");
    assert!(
        cookie.ends_with("; Secure") && cookie.contains("Path=/;"),
        "{cookie}"
    );
    let plain = Server::start_with(|settings| {
        settings.listen = "0.0.0.0:8080".parse().unwrap();
    })
    .await;
    plain.user("Anna", Role::Viewer, Scope::All).await;
    let fields = [("name", "Anna"), ("password", PASSWORD)];
    let request = http::Request::builder()
        .method(Method::POST)
        .uri("/sign-in")
        .header("host", "192.0.2.7:8080")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded");
    let refused = plain
        .send(request.body(Body::from(form(&fields))).unwrap())
        .await;
    let refused = refused.expect(403);
    assert_eq!(refused.header("set-cookie"), "");
    assert!(refused.text().contains("https"), "{}", refused.text());
}

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD};
use crate::support::{Server, id};

fn anna() -> Value {
    json!({"name": "Anna", "role": "admin", "password": PASSWORD})
}

#[tokio::test]
async fn a_user_is_made_listed_changed_and_removed() {
    let server = Server::start().await;
    server.company("Acme").await;
    let made = server.post("/api/v1/users", anna()).await.expect(201);
    assert!(!made.text().contains("password") && !made.text().contains("argon2"));
    let anna = made.json();
    assert_eq!(anna["companies"], Value::Null);
    let form =
        json!({"name": "Ben", "role": "viewer", "companies": ["acme"], "password": PASSWORD});
    let ben = server.post("/api/v1/users", form).await.expect(201).json();
    let list = server.get("/api/v1/users").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    Browser::default()
        .sign_in(&server, "ben", PASSWORD)
        .await
        .expect(303);
    let path = format!("/api/v1/users/{}", id(&ben));
    let read = server.get(&path).await.expect(200).json();
    assert!(read["last_signed_in_at"].is_string(), "{read}");
    let patch = json!({"role": "operator", "companies": null});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(
        (&changed["role"], &changed["companies"]),
        (&json!("operator"), &Value::Null)
    );
    server.delete(&path).await.expect(204);
    server.get(&path).await.problem(404);
    server.delete(&path).await.problem(404);
    let audit = server
        .get("/api/v1/audit?what=user")
        .await
        .expect(200)
        .text();
    assert!(
        !audit.contains("argon2") && !audit.contains(PASSWORD),
        "{audit}"
    );
}

#[tokio::test]
async fn a_bad_form_names_its_fields() {
    let server = Server::start().await;
    let post = async |form: Value| server.post("/api/v1/users", form).await;
    let with = |name: &str, value: Value| {
        let mut form = anna();
        form[name] = value;
        form
    };
    post(with("password", json!("short")))
        .await
        .field("/password", "12 characters");
    post(with("password", json!("x".repeat(1_025))))
        .await
        .field("/password", "1024 bytes");
    post(with("role", json!("root")))
        .await
        .field("/role", "admin, operator or viewer");
    post(with("companies", json!([])))
        .await
        .field("/companies", "at least one");
    post(with("companies", json!(["None"])))
        .await
        .field("/companies/0", "no company");
    post(with("name", json!(" "))).await.field("/name", "empty");
    post(anna()).await.expect(201);
    post(with("name", json!("ANNA"))).await.problem(409);
}

#[tokio::test]
async fn the_last_who_could_let_others_in_stays() {
    let server = Server::start().await;
    let anna = id(&server
        .post("/api/v1/users", anna())
        .await
        .expect(201)
        .json());
    let path = format!("/api/v1/users/{anna}");
    server.company("Acme").await;
    for patch in [
        json!({"enabled": false}),
        json!({"role": "operator"}),
        json!({"companies": ["Acme"]}),
    ] {
        server.patch(&path, patch).await.problem(409);
    }
    server.delete(&path).await.problem(409);
    server
        .patch(&path, json!({"name": "Anne"}))
        .await
        .expect(200);
    let second = json!({"name": "Ben", "role": "admin", "password": PASSWORD});
    server.post("/api/v1/users", second).await.expect(201);
    server
        .patch(&path, json!({"role": "viewer"}))
        .await
        .expect(200);
    server.delete(&path).await.expect(204);
}

#[tokio::test]
async fn only_who_rules_all_sees_users() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    let own = Scope::Companies(vec![Server::company_id(&company)]);
    let user = server.user("Anna", Role::Admin, Scope::All).await;
    for (role, scope) in [
        (Role::Viewer, Scope::All),
        (Role::Operator, Scope::All),
        (Role::Admin, own),
    ] {
        let key = server.key(role, scope).await;
        for (method, path) in [
            (Method::GET, "/api/v1/users".to_owned()),
            (Method::GET, format!("/api/v1/users/{user}")),
            (Method::DELETE, format!("/api/v1/users/{user}")),
        ] {
            server.call_as(&key, method, &path, None).await.problem(403);
        }
        let form = json!({"password": "another good password"});
        let path = format!("/api/v1/users/{user}/password");
        server
            .call_as(&key, Method::POST, &path, Some(&form))
            .await
            .problem(403);
    }
}

#[tokio::test]
async fn a_session_ends_with_the_role_the_password_or_the_user() {
    let server = Server::start().await;
    server.user("Root", Role::Admin, Scope::All).await;
    let anna = server.user("Anna", Role::Operator, Scope::All).await;
    let path = format!("/api/v1/users/{anna}");
    let mut browser = Browser::default();
    for (suffix, form) in [
        ("", json!({"role": "viewer"})),
        ("", json!({"enabled": false})),
    ] {
        browser.sign_in(&server, "Anna", PASSWORD).await.expect(303);
        browser.get(&server, "/events").await.expect(200);
        server
            .patch(&format!("{path}{suffix}"), form)
            .await
            .expect(200);
        browser.get(&server, "/events").await.expect(303);
    }
    browser.sign_in(&server, "Anna", PASSWORD).await.expect(401);
    server
        .patch(&path, json!({"enabled": true}))
        .await
        .expect(200);
    browser.sign_in(&server, "Anna", PASSWORD).await.expect(303);
    let form = json!({"password": "another good password"});
    server
        .post(&format!("{path}/password"), form)
        .await
        .expect(204);
    browser.get(&server, "/events").await.expect(303);
    browser.sign_in(&server, "Anna", PASSWORD).await.expect(401);
    browser
        .sign_in(&server, "Anna", "another good password")
        .await
        .expect(303);
    server.delete(&path).await.expect(204);
    browser.get(&server, "/events").await.expect(303);
}

#[tokio::test]
async fn the_account_page_changes_one_s_own_password_and_ends_other_sessions() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let mut elsewhere = Browser::default();
    elsewhere
        .sign_in(&server, "Anna", PASSWORD)
        .await
        .expect(303);
    anna.get(&server, "/account").await.expect(200);
    let token = anna.form_token(&server).await;
    let new = "another good password";
    let post = async |current: &str, password: &str, again: &str| {
        let fields = [
            ("form_token", token.as_str()),
            ("current", current),
            ("password", password),
            ("again", again),
        ];
        anna.post(&server, "/account/password", &fields).await
    };
    for (current, password, again, words) in [
        ("wrong", new, new, "present password"),
        (PASSWORD, "short", "short", "12 characters"),
        (PASSWORD, new, "other", "not the same"),
    ] {
        let page = post(current, password, again).await.expect(422).text();
        assert!(page.contains(words), "{page}");
    }
    let changed = post(PASSWORD, new, new).await.expect(303);
    let cookie = changed.header("set-cookie").split(';').next().unwrap();
    for old in [&elsewhere, &anna] {
        old.get(&server, "/account").await.expect(303);
    }
    let now = Browser {
        cookie: cookie.to_owned(),
    };
    now.get(&server, "/account").await.expect(200);
    Browser::default()
        .sign_in(&server, "Anna", PASSWORD)
        .await
        .expect(401);
}

#[tokio::test]
async fn whoever_changes_their_own_password_shows_that_they_know_it() {
    let server = Server::start().await;
    let anna = server.user("Anna", Role::Viewer, Scope::All).await;
    let mut browser = Browser::default();
    browser.sign_in(&server, "Anna", PASSWORD).await.expect(303);
    let post = async |browser: &Browser, form: Value| {
        let request =
            crate::support::request(Method::POST, &format!("/api/v1/users/{anna}/password"))
                .header("cookie", &browser.cookie)
                .header("sec-fetch-site", "same-origin")
                .header("content-type", "application/json");
        server
            .send(
                request
                    .body(axum::body::Body::from(form.to_string()))
                    .unwrap(),
            )
            .await
    };
    let new = "another good password";
    post(&browser, json!({"password": new}))
        .await
        .field("/current_password", "missing");
    let wrong = json!({"password": new, "current_password": "wrong"});
    post(&browser, wrong)
        .await
        .field("/current_password", "not right");
    let right = json!({"password": new, "current_password": PASSWORD});
    post(&browser, right).await.expect(204);
    browser.get(&server, "/events").await.expect(303);
    browser.sign_in(&server, "Anna", new).await.expect(303);
}

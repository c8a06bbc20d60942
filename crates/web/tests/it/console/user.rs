use domain::access::{Role, Scope};

use crate::browser::{Browser, PASSWORD};
use crate::support::{Server, id};

/// The page of the user of this name.
async fn path_of(server: &Server, name: &str) -> String {
    let users = server.get("/api/v1/users").await.json()["items"].clone();
    let mut users = users.as_array().unwrap().iter();
    let found = users.find(|user| user["name"] == name);
    format!("/users/{}", id(found.unwrap()))
}

#[tokio::test]
async fn an_admin_lets_somebody_in_changes_and_removes_them() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let token = anna.form_token(&server).await;
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        anna.post(&server, path, &fields).await
    };
    let ben = [
        ("name", "Ben"),
        ("role", "viewer"),
        ("reach", "some"),
        ("companies", acme.as_str()),
    ];
    let short = [&ben[..], &[("password", "short")]].concat();
    let bad = post("/users", &short).await.expect(422).text();
    assert!(
        bad.contains("12 characters") && !bad.contains("short\""),
        "{bad}"
    );
    let made = post("/users", &ben).await.expect(200).text();
    let password = made.split("id=\"made-password\" value=\"").nth(1).unwrap();
    let password = password.split('"').next().unwrap().to_owned();
    let mut browser = Browser::default();
    browser.sign_in(&server, "Ben", &password).await.expect(303);
    let list = anna.get(&server, "/users").await.expect(200).text();
    assert!(
        list.contains("What each role may do") && list.contains("Acme"),
        "{list}"
    );
    let path = path_of(&server, "Ben").await;
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(page.contains("Ben") && page.contains("checked"), "{page}");
    let operator = [("name", "Ben"), ("role", "operator"), ("reach", "all")];
    post(&path, &operator).await.expect(303);
    let user = server.get(&format!("/api/v1{path}")).await.json();
    assert_eq!(
        (&user["role"], &user["enabled"]),
        (&"operator".into(), &false.into())
    );
    assert_eq!(user["companies"], serde_json::Value::Null);
    let typed = [("password", "another good password")];
    post(&format!("{path}/password"), &typed).await.expect(303);
    let bad = post(&format!("{path}/password"), &[("password", "short")]).await;
    assert!(bad.expect(422).text().contains("12 characters"));
    let remove = format!("{path}/remove");
    assert!(
        anna.get(&server, &remove)
            .await
            .expect(200)
            .text()
            .contains("<dialog open")
    );
    post(&remove, &[("typed", "Ben")]).await.expect(303);
    anna.get(&server, &path).await.expect(404);
}

#[tokio::test]
async fn the_last_admin_can_be_neither_demoted_nor_removed() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let path = path_of(&server, "Anna").await;
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("This is you.") && page.contains("/account"),
        "{page}"
    );
    let token = anna.form_token(&server).await;
    let demoted = [
        ("form_token", token.as_str()),
        ("name", "Anna"),
        ("role", "viewer"),
        ("reach", "all"),
        ("enabled", "on"),
    ];
    let kept = anna.post(&server, &path, &demoted).await.expect(409).text();
    assert!(kept.contains("make another one first"), "{kept}");
    let removed = [("form_token", token.as_str()), ("typed", "Anna")];
    let kept = anna
        .post(&server, &format!("{path}/remove"), &removed)
        .await;
    assert!(kept.expect(409).text().contains("make another one first"));
    Browser::default()
        .sign_in(&server, "Anna", PASSWORD)
        .await
        .expect(303);
}

#[tokio::test]
async fn users_are_for_admins_of_all_companies() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role, scope) in [
        ("V", Role::Viewer, Scope::All),
        ("O", Role::Operator, Scope::All),
        ("A", Role::Admin, own),
    ] {
        let ben = server.browser(name, role, scope).await;
        let path = path_of(&server, name).await;
        for path in ["/users", "/users/new", &path, &format!("{path}/remove")] {
            ben.get(&server, path).await.expect(403);
        }
        let token = ben.form_token(&server).await;
        let fields = [
            ("form_token", token.as_str()),
            ("name", "X"),
            ("role", "admin"),
            ("reach", "all"),
            ("typed", name),
        ];
        for path in [
            "/users",
            &path,
            &format!("{path}/password"),
            &format!("{path}/remove"),
        ] {
            ben.post(&server, path, &fields).await.expect(403);
        }
    }
}

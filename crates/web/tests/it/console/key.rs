use domain::access::{Role, Scope};
use http::Method;

use crate::support::{Server, id};

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_ended() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let token = anna.form_token(&server).await;
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        anna.post(&server, path, &fields).await
    };
    anna.get(&server, "/keys/new").await.expect(200);
    let none = [("name", "Scanner"), ("role", "operator"), ("reach", "some")];
    let bad = post("/keys", &none).await.expect(422).text();
    assert!(
        bad.contains("at least one company") && bad.contains("value=\"Scanner\""),
        "{bad}"
    );
    let some = [&none[..], &[("companies", acme.as_str())]].concat();
    let made = post("/keys", &some).await.expect(200).text();
    let key = made
        .split("value=\"aw_")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let key = format!("aw_{key}");
    let seen = server
        .call_as(&key, Method::GET, "/api/v1/companies", None)
        .await;
    assert!(seen.expect(200).text().contains("Acme"));
    let list = anna.get(&server, "/keys").await.expect(200).text();
    assert!(
        list.contains("Scanner") && list.contains("Acme") && !list.contains(&key),
        "{list}"
    );
    let keys = server.get("/api/v1/keys").await.json()["items"].clone();
    let mut keys = keys.as_array().unwrap().iter();
    let scanner = id(keys.find(|key| key["name"] == "Scanner").unwrap());
    let remove = format!("/keys/{scanner}/remove");
    let asked = anna.get(&server, &remove).await.expect(200).text();
    assert!(asked.contains("<dialog open data-modal"), "{asked}");
    post(&remove, &[("typed", "no")]).await.expect(422);
    post(&remove, &[("typed", "Scanner")]).await.expect(303);
    server
        .call_as(&key, Method::GET, "/api/v1/companies", None)
        .await
        .problem(401);
}

#[tokio::test]
async fn keys_are_for_admins_of_all_companies() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role, scope) in [
        ("V", Role::Viewer, Scope::All),
        ("O", Role::Operator, Scope::All),
        ("A", Role::Admin, own),
    ] {
        let ben = server.browser(name, role, scope).await;
        for path in ["/keys", "/keys/new"] {
            ben.get(&server, path).await.expect(403);
        }
        let token = ben.form_token(&server).await;
        let fields = [
            ("form_token", token.as_str()),
            ("name", "X"),
            ("role", "admin"),
            ("reach", "all"),
        ];
        ben.post(&server, "/keys", &fields).await.expect(403);
    }
}

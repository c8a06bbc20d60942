use domain::access::{Role, Scope};
use testkit::Target;

use crate::support::Server;

#[tokio::test]
async fn an_admin_adds_changes_and_removes_a_company() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/companies").await.expect(200).text();
    assert!(page.contains("No companies yet"), "{page}");
    anna.get(&server, "/companies/new").await.expect(200);
    let token = anna.form_token(&server).await;
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        anna.post(&server, path, &fields).await
    };
    let bad = post("/companies", &[("name", ""), ("events_per_second", "many")]).await;
    assert!(bad.expect(422).text().contains("aria-invalid"));
    let made = post(
        "/companies",
        &[
            ("name", "Acme"),
            ("aliases", "ACME Inc\r\n\r\nAcme Ltd"),
            ("domain", "acme.example"),
        ],
    )
    .await
    .expect(303);
    let path = made
        .header("location")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let page = anna
        .get(&server, made.header("location"))
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("Saved.") && page.contains("ACME Inc\nAcme Ltd"),
        "{page}"
    );
    assert!(page.contains("No integration has a mapping"), "{page}");
    let twice = post("/companies", &[("name", "acme")])
        .await
        .expect(409)
        .text();
    assert!(
        twice.contains("id=\"name-says\"><span class=\"fault\""),
        "{twice}"
    );
    let saved = post(&path, &[("name", "Acme"), ("events_per_second", "50")]).await;
    saved.expect(303);
    let company = server.get(&format!("/api/v1{path}")).await.json();
    assert_eq!(company["quota"]["events_per_second"], 50);
    assert_eq!(company["aliases"], serde_json::json!([]));
    let asked = anna
        .get(&server, &format!("{path}/remove"))
        .await
        .expect(200);
    assert!(asked.text().contains("<dialog open data-modal"));
    let remove = format!("{path}/remove");
    post(&remove, &[("typed", "Other")]).await.expect(422);
    post(&remove, &[("typed", "Acme")]).await.expect(303);
    anna.get(&server, &path).await.expect(404);
}

#[tokio::test]
async fn the_list_is_searched_and_paged_by_name() {
    let server = Server::start().await;
    for name in ["globex", "Acme", "Initech"] {
        server.company(name).await;
    }
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let page = anna
        .get(&server, "/companies?limit=2")
        .await
        .expect(200)
        .text();
    let (acme, globex) = (
        page.find(">Acme</a>").unwrap(),
        page.find(">globex</a>").unwrap(),
    );
    assert!(acme < globex && !page.contains(">Initech</a>"), "{page}");
    let next = page.split("rel=\"next\"").next().unwrap();
    let next = next
        .rsplit("href=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let next = next.replace("&#38;", "&");
    let page = anna.get(&server, &next).await.expect(200).text();
    assert!(
        page.contains(">Initech</a>") && !page.contains(">Acme</a>"),
        "{page}"
    );
    let page = anna
        .get(&server, "/companies?text=cme")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains(">Acme</a>") && !page.contains(">globex</a>"),
        "{page}"
    );
    let page = anna
        .get(&server, "/companies?text=nobody")
        .await
        .expect(200)
        .text();
    assert!(page.contains("No company fits"), "{page}");
    let page = anna
        .get(&server, "/companies?mapped=true")
        .await
        .expect(200)
        .text();
    assert!(page.contains("No company fits"), "{page}");
}

#[tokio::test]
async fn what_uses_a_company_is_named_and_keeps_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let authentication = serde_json::json!({"header": {"key": "X-Key", "value": "sesame"}});
    let door = serde_json::json!({"name": "Door", "companies": [routed.company], "authentication": authentication});
    server.source(door).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let path = format!("/companies/{}", routed.company);
    let page = anna.get(&server, &path).await.expect(200).text();
    for words in ["To Acme", "Rule of Acme", "Door", "mapped"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let token = anna.form_token(&server).await;
    let fields = [("form_token", token.as_str()), ("typed", "Acme")];
    let kept = anna.post(&server, &format!("{path}/remove"), &fields).await;
    assert!(kept.expect(409).text().contains("source `Door`"));
}

#[tokio::test]
async fn a_viewer_of_one_company_sees_that_one_and_changes_nothing() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role) in [
        ("V", Role::Viewer),
        ("O", Role::Operator),
        ("A", Role::Admin),
    ] {
        let ben = server.browser(name, role, own.clone()).await;
        let page = ben.get(&server, "/companies").await.expect(200).text();
        assert!(page.contains("Acme") && !page.contains("Globex"), "{page}");
        assert!(!page.contains("/companies/new"), "{page}");
        let path = format!("/companies/{acme}");
        let page = ben.get(&server, &path).await.expect(200).text();
        assert!(
            !page.contains("/remove") && !page.contains("Save</button>"),
            "{page}"
        );
        ben.get(&server, &format!("/companies/{globex}"))
            .await
            .expect(404);
        ben.get(&server, "/companies/new").await.expect(403);
        ben.get(&server, &format!("{path}/remove"))
            .await
            .expect(403);
        let token = ben.form_token(&server).await;
        let fields = [
            ("form_token", token.as_str()),
            ("name", "X"),
            ("typed", "Acme"),
        ];
        for path in ["/companies", &path, &format!("{path}/remove")] {
            ben.post(&server, path, &fields).await.expect(403);
        }
    }
}

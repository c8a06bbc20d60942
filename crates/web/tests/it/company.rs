use serde_json::json;
use testkit::Target;

use crate::support::{Server, id};

#[tokio::test]
async fn a_company_is_made_and_found_again() {
    let server = Server::start().await;
    let form = json!({"name": " Acme ", "aliases": ["Acme Corp"], "domain": "acme.example", "external_id": "x-1"});
    let made = server
        .post("/api/v1/companies", form)
        .await
        .expect(201)
        .json();
    assert_eq!(
        (made["name"].as_str(), made["domain"].as_str()),
        (Some("Acme"), Some("acme.example"))
    );
    let found = server
        .get(&format!("/api/v1/companies/{}", id(&made)))
        .await
        .expect(200)
        .json();
    assert_eq!(found, made);
    for query in ["name=acme+CORP", "name=Acme", "external_id=x-1"] {
        let list = server
            .get(&format!("/api/v1/companies?{query}"))
            .await
            .expect(200)
            .json();
        assert_eq!(list["items"], json!([made]), "{query}");
    }
}

#[tokio::test]
async fn a_list_is_newest_first_and_goes_on_at_its_cursor() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        ids.push(server.company(name).await);
        server.clock.advance(std::time::Duration::from_millis(5));
    }
    let first = server
        .get("/api/v1/companies?limit=2")
        .await
        .expect(200)
        .json();
    assert_eq!(
        [id(&first["items"][0]), id(&first["items"][1])],
        [ids[2].clone(), ids[1].clone()]
    );
    let next = first["next"].as_str().unwrap();
    let second = server
        .get(&format!("/api/v1/companies?limit=2&cursor={next}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (id(&second["items"][0]), second["next"].is_null()),
        (ids[0].clone(), true)
    );
    server.get("/api/v1/companies?limit=5000").await.expect(200);
    server
        .get("/api/v1/companies?limit=0")
        .await
        .field("?limit", "1 to 1000");
    server
        .get("/api/v1/companies?cursor=x")
        .await
        .field("?cursor", "start again");
    server
        .get("/api/v1/companies?limt=1")
        .await
        .field("?limt", "did you mean `limit`?");
}

#[tokio::test]
async fn a_bad_field_of_a_company_is_named() {
    let server = Server::start().await;
    server
        .post("/api/v1/companies", json!({"name": ""}))
        .await
        .field("/name", "must not be empty");
    server
        .post("/api/v1/companies", json!({"naem": "x"}))
        .await
        .field("/naem", "did you mean `name`?");
    server
        .post("/api/v1/companies", json!({"name": "a\u{7}b"}))
        .await
        .field("/name", "control");
    server.company("Acme").await;
    let problem = server
        .post("/api/v1/companies", json!({"name": "Acme"}))
        .await
        .problem(409);
    assert_eq!(problem["errors"][0]["pointer"], "/name");
}

#[tokio::test]
async fn what_a_patch_does_not_name_stays_and_null_takes_away() {
    let server = Server::start().await;
    let form = json!({"name": "Acme", "aliases": ["Acme Corp"], "domain": "acme.example", "quota": {"events_per_second": 5}});
    let made = server
        .post("/api/v1/companies", form)
        .await
        .expect(201)
        .json();
    assert_eq!(made["quota"], json!({"events_per_second": 5}));
    let path = format!("/api/v1/companies/{}", id(&made));
    let patch = json!({"name": "Acme Inc", "domain": null, "external_id": "x-1"});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(
        (
            &changed["name"],
            &changed["domain"],
            &changed["external_id"]
        ),
        (&json!("Acme Inc"), &json!(null), &json!("x-1"))
    );
    assert_eq!(
        (
            &changed["aliases"],
            &changed["quota"],
            &changed["created_at"]
        ),
        (&made["aliases"], &made["quota"], &made["created_at"])
    );
    assert_eq!(server.get(&path).await.expect(200).json(), changed);
    let check = async |patch: serde_json::Value, pointer: &str, words: &str| {
        server.patch(&path, patch).await.field(pointer, words);
    };
    check(json!({"name": " "}), "/name", "must not be empty").await;
    check(json!({"aliases": ["ok", ""]}), "/aliases/1", "empty").await;
    check(
        json!({"quota": {"events_per_second": 0}}),
        "/quota/events_per_second",
        "1 to 1000000",
    )
    .await;
    check(json!({"nmae": "x"}), "/nmae", "did you mean `name`?").await;
    server.company("Globex").await;
    server
        .patch(&path, json!({"name": "globex"}))
        .await
        .problem(409);
}

#[tokio::test]
async fn a_company_goes_when_nothing_names_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let authentication = json!({"header": {"key": "X-Key", "value": "v"}});
    let source = server
        .source(json!({"name": "Door", "company": "Acme", "authentication": authentication}))
        .await;
    let path = format!("/api/v1/companies/{}", routed.company);
    let problem = server.delete(&path).await.problem(409);
    assert_eq!(
        problem["used_by"],
        json!([{"what": "source", "id": id(&source), "name": "Door"}])
    );
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("source `Door`")
    );
    server
        .delete(&format!("/api/v1/sources/{}", id(&source)))
        .await
        .expect(204);
    server.delete(&path).await.expect(204);
    server.delete(&path).await.problem(404);
    let mappings = format!("/api/v1/integrations/{}/mappings", routed.integration);
    let left = server.get(&mappings).await.expect(200).json();
    assert_eq!(left["items"], json!([]), "its mappings go with it");
}

#[tokio::test]
async fn a_company_is_mapped_when_alerts_are_made_of_its_events() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let other = server.company("Globex").await;
    let named = async |query: &str| {
        let list = server.get(&format!("/api/v1/companies?{query}")).await;
        let list = list.expect(200).json();
        let items = list["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| {
                (
                    item["name"].as_str().unwrap().to_owned(),
                    item["mapped"] == true,
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(named("mapped=false").await, [("Globex".to_owned(), false)]);
    assert_eq!(named("mapped=true").await, [("Acme".to_owned(), true)]);
    assert_eq!(named("").await.len(), 2);
    let silent = json!({"rules": [routed.rule]});
    let mappings = format!("/api/v1/integrations/{}/mappings", routed.integration);
    server
        .put(&format!("{mappings}/{}", routed.company), silent)
        .await
        .expect(200);
    assert_eq!(named("mapped=true").await, []);
    let all = json!({"companies": "all", "rules": [routed.rule], "create_webhook_alert": true});
    server.put(&mappings, all).await.expect(200);
    assert_eq!(named("mapped=true").await, [("Globex".to_owned(), true)]);
    let company = server.get(&format!("/api/v1/companies/{other}")).await;
    assert_eq!(company.json()["mapped"], true);
    server
        .get("/api/v1/companies?mapped=maybe")
        .await
        .field("?mapped", "`true` or `false`");
}

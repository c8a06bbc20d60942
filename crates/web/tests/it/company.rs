use serde_json::json;

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

use serde_json::json;
use testkit::{Answer, Target};

use crate::support::Server;

#[tokio::test]
async fn a_mapping_of_all_is_there_beside_a_company_s_own() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let path = format!("/api/v1/integrations/{}/mappings", routed.integration);
    let all = json!({"companies": "all", "rules": [routed.rule], "create_webhook_alert": false});
    let put = server.put(&path, all).await.expect(200).json();
    assert_eq!(put["items"][0]["company"], "all");
    let list = server.get(&path).await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(list["items"][1]["company"]["name"], "Acme");
    assert_eq!(list["items"][1]["create_webhook_alert"], true);
    let several = json!({"companies": ["Acme"], "rules": []});
    let put = server.put(&path, several).await.expect(200).json();
    assert_eq!(
        (
            put["items"][0]["rules"].clone(),
            put["items"][0]["create_webhook_alert"].clone()
        ),
        (json!([]), json!(false))
    );
}

#[tokio::test]
async fn a_mapping_before_authentication_is_a_conflict() {
    let (server, target) = (Server::start().await, Target::start().await);
    target.answer(Answer::status(500));
    let (integration, company) = (
        server.integration("Hook", &target).await,
        server.company("Acme").await,
    );
    let one = format!("/api/v1/integrations/{integration}/mappings/{company}");
    server.put(&one, json!({"rules": []})).await.problem(409);
    let many = format!("/api/v1/integrations/{integration}/mappings");
    server
        .put(&many, json!({"companies": "all", "rules": []}))
        .await
        .problem(409);
}

#[tokio::test]
async fn a_bad_field_of_a_mapping_is_named() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let other = server.routed("Globex", &target).await;
    let path = format!("/api/v1/integrations/{}/mappings", routed.integration);
    let one = format!("{path}/{}", routed.company);
    server
        .put(&one, json!({"rules": [other.rule]}))
        .await
        .field("/rules/0", "no rule of this integration");
    server
        .put(&one, json!({"ruels": []}))
        .await
        .field("/ruels", "did you mean `rules`?");
    server
        .put(&path, json!({"companies": "al", "rules": []}))
        .await
        .field("/companies", "the word `all`");
    server
        .put(&path, json!({"companies": ["Acmee"], "rules": []}))
        .await
        .field("/companies/0", "did you mean `Acme`?");
    server
        .put(&format!("{path}/nobody"), json!({"rules": []}))
        .await
        .problem(404);
}

#[tokio::test]
async fn mappings_are_paged_that_of_all_first() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("One", &target).await;
    for name in ["Two", "Three"] {
        server.clock.advance(std::time::Duration::from_millis(5));
        server.company(name).await;
    }
    let path = format!("/api/v1/integrations/{}/mappings", routed.integration);
    for companies in [json!(["Two", "Three"]), json!("all")] {
        let form = json!({"companies": companies, "rules": [routed.rule]});
        server.put(&path, form).await.expect(200);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{path}?limit=1&cursor={cursor}")).await;
        let page = page.expect(200).json();
        let company = &page["items"][0]["company"];
        let name = company["name"].as_str().or(company.as_str());
        names.push(name.unwrap().to_owned());
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["all", "Three", "Two", "One"]);
    server
        .get(&format!("{path}?cursor=x"))
        .await
        .field("?cursor", "start again");
}

#[tokio::test]
async fn a_mapping_is_read_and_removed_by_whom_it_is_for() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let path = format!("/api/v1/integrations/{}/mappings", routed.integration);
    let own = format!("{path}/{}", routed.company);
    let mapping = server.get(&own).await.expect(200).json();
    assert_eq!(mapping["rules"], json!([routed.rule]));
    let all = format!("{path}/all");
    server.get(&all).await.problem(404);
    let form = json!({"rules": [routed.rule], "create_webhook_alert": true});
    server.put(&all, form).await.expect(200);
    assert_eq!(server.get(&all).await.expect(200).json()["company"], "all");
    for path in [&own, &all] {
        server.delete(path).await.expect(204);
        server.get(path).await.problem(404);
        server.delete(path).await.problem(404);
    }
}

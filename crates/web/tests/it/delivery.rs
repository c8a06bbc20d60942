use http::Method;
use serde_json::json;
use testkit::Target;

use crate::support::{Server, id};

#[tokio::test]
async fn a_delivery_is_listed_shown_and_sent_again() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let event = server.asset_added("Acme", "10.0.0.1").await;
    let list = server
        .get("/api/v1/deliveries?status=pending&company=Acme")
        .await
        .expect(200)
        .json();
    let delivery = &list["items"][0];
    assert_eq!(
        (delivery["status"].as_str(), delivery["subject"].as_str()),
        (Some("pending"), Some("New Asset(s) Added"))
    );
    assert_eq!(
        (delivery["event_ids"].clone(), delivery["attempts"].clone()),
        (json!([event]), json!([]))
    );
    assert_eq!(delivery["integration"]["id"], routed.integration);
    assert!(delivery["next_attempt_at"].is_string());
    let path = format!("/api/v1/deliveries/{}", id(delivery));
    assert_eq!(
        server.get(&path).await.expect(200).json()["id"],
        delivery["id"]
    );
    let again = server
        .call_as(&server.admin, Method::POST, &format!("{path}/retry"), None)
        .await
        .expect(202)
        .json();
    assert_eq!(again["id"], delivery["id"]);
    for query in [
        "status=dead",
        "event=0190b7a0-0000-7000-8000-000000000000",
        "cause=dns",
    ] {
        let list = server
            .get(&format!("/api/v1/deliveries?{query}"))
            .await
            .expect(200)
            .json();
        assert_eq!(list["items"], json!([]), "{query}");
    }
    server
        .get("/api/v1/deliveries?status=lost")
        .await
        .field("?status", "parked");
}

#[tokio::test]
async fn a_delivery_is_parked_while_its_integration_is_off() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server
        .patch(
            &format!("/api/v1/integrations/{}", routed.integration),
            json!({"enabled": false}),
        )
        .await
        .expect(200);
    server.asset_added("Acme", "10.0.0.1").await;
    let list = server
        .get("/api/v1/deliveries?status=parked")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            list["items"][0]["status"].as_str(),
            list["items"][0]["next_attempt_at"].is_null()
        ),
        (Some("parked"), true)
    );
}

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

#[tokio::test]
async fn deliveries_are_exported_as_lines_and_as_a_sheet_without_formulas() {
    let (server, target) = (Server::start().await, Target::start().await);
    let name = "=cmd|Acme";
    let routed = server.routed(name, &target).await;
    let mut made = Vec::new();
    for ip in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        let event = server.asset_added(&routed.company, ip).await;
        let list = format!("/api/v1/deliveries?event={event}");
        made.push(id(&server.get(&list).await.json()["items"][0]));
    }
    made.sort_by(|one, other| other.cmp(one));
    let path = "/api/v1/deliveries/export";
    let file = server.get(path).await.expect(200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    assert_eq!(file.header("alertwire-export-limit"), "1000000");
    let text = file.text();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<_> = lines[..3].iter().map(id).collect();
    assert_eq!(ids, made);
    assert_eq!(
        lines[3],
        json!({"end": {"deliveries": 3, "complete": true, "next": null}})
    );
    let part = server.get(&format!("{path}?limit=2")).await.expect(200);
    let part = part.text();
    let end: serde_json::Value = serde_json::from_str(part.lines().last().unwrap()).unwrap();
    let next = end["end"]["next"].as_str().unwrap();
    let rest = server.get(&format!("{path}?cursor={next}")).await.text();
    assert!(rest.contains(&made[2]) && !rest.contains(&made[1]));
    let sheet = server.get(&format!("{path}?format=csv")).await.expect(200);
    assert!(
        sheet
            .header("content-disposition")
            .contains("deliveries.csv")
    );
    let sheet = sheet.text();
    assert!(sheet.starts_with("\"id\",\"created_at\""), "{sheet}");
    assert!(sheet.contains("\"'=cmd|Acme\""), "{sheet}");
    let several = format!("{path}?id={},{}", made[0], made[2]);
    let several = server.get(&several).await.expect(200).text();
    assert!(several.contains(&made[0]) && !several.contains(&made[1]));
    for (query, place) in [
        ("format=xml", "?format"),
        ("limit=0", "?limit"),
        ("id=x", "?id"),
        ("failing=no", "?failing"),
    ] {
        let refused = server.get(&format!("{path}?{query}")).await;
        refused.field(place, "");
    }
}

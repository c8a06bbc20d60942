mod stream;

use http::Method;
use serde_json::json;
use testkit::Target;

use crate::console::delivery::{sent, try_it};
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
async fn deliveries_are_listed_by_what_their_event_and_their_last_attempt_say() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let waiting = sent(&server, &routed, "10.0.0.1").await;
    let failed = sent(&server, &routed, "10.0.0.2").await;
    try_it(&server, &routed, &failed, 503).await;
    let (both, one) = (vec![&failed, &waiting], vec![&failed]);
    for (query, expected) in [
        ("kind=system.asset_added", &both),
        ("kind=system.*", &both),
        ("kind=problem.*", &vec![]),
        ("category=System%20Changes", &both),
        ("category=Problems", &vec![]),
        ("text=new%20ASSET", &both),
        ("text=asset_", &vec![]),
        ("code=503", &one),
        ("code=5xx", &one),
        ("code=2xx", &vec![]),
        ("took_millis=9", &one),
        ("took_millis=10", &vec![]),
        ("kind=system.*&text=asset&code=5xx&took_millis=1", &one),
    ] {
        let list = format!("/api/v1/deliveries?{query}");
        let list = server.get(&list).await.expect(200).json();
        let found: Vec<_> = list["items"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), *expected, "{query}");
        let file = format!("/api/v1/deliveries/export?{query}");
        let file = server.get(&file).await.expect(200).text();
        assert_eq!(file.lines().count(), expected.len() + 1, "{query}");
        let filter: serde_json::Map<String, serde_json::Value> =
            url::form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| (name.into_owned(), json!(value)))
                .collect();
        let replay = json!({"filter": filter, "dry_run": true});
        let replay = server.post("/api/v1/replays", replay).await;
        assert_eq!(
            replay.expect(200).json()["count"],
            expected.len(),
            "{query}"
        );
    }
    let list = server.get("/api/v1/deliveries?code=503").await.json();
    assert_eq!(list["items"][0]["kind"], "system.asset_added");
    let long = format!("text={}", "a".repeat(257));
    for (query, place) in [
        ("code=600x", "?code"),
        ("code=5x", "?code"),
        ("took_millis=-1", "?took_millis"),
        (long.as_str(), "?text"),
    ] {
        let refused = server.get(&format!("/api/v1/deliveries?{query}")).await;
        refused.field(place, "");
    }
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

#[tokio::test]
async fn one_that_waits_is_cancelled_and_a_retry_takes_that_back() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.asset_added("Acme", "10.0.0.1").await;
    let list = server.get("/api/v1/deliveries").await.json();
    let path = format!("/api/v1/deliveries/{}", id(&list["items"][0]));
    let act = |what: &str| {
        let path = format!("{path}/{what}");
        let (server, admin) = (&server, &server.admin);
        async move { server.call_as(admin, Method::POST, &path, None).await }
    };
    for _ in 0..2 {
        let cancelled = act("cancel").await.expect(200).json();
        let told = (
            &cancelled["status"],
            &cancelled["reason"],
            &cancelled["fault"],
        );
        assert_eq!(told, (&json!("dead"), &json!("cancelled"), &json!(null)));
        assert_eq!(cancelled["next_attempt_at"], json!(null));
    }
    let audit = server.get("/api/v1/audit?action=cancel").await.json();
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(1), "{audit}");
    let dead = server.get("/api/v1/dead-letters").await.json();
    let group = &dead["items"][0];
    assert_eq!(
        (&group["reason"], &group["fault"]),
        (&json!("cancelled"), &json!(null))
    );
    let replay = json!({"filter": {"status": "dead"}, "dry_run": true});
    let would = server.post("/api/v1/replays", replay).await.expect(200);
    assert_eq!(
        would.json()["count"],
        json!(0),
        "a decision is not undone by the way"
    );
    let named = json!({"filter": {"reason": "cancelled"}, "dry_run": true});
    let would = server.post("/api/v1/replays", named).await.expect(200);
    assert_eq!(would.json()["count"], json!(1));
    let again = act("retry").await.expect(202).json();
    assert_eq!(again["status"], json!("pending"));
    let nobody = "/api/v1/deliveries/0190b7a0-0000-7000-8000-000000000000/cancel";
    let nobody = server.call_as(&server.admin, Method::POST, nobody, None);
    nobody.await.expect(404);
}

#[tokio::test]
async fn all_that_a_filter_means_and_that_waits_is_cancelled() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.routed("Globex", &target).await;
    for number in 1..=3 {
        server
            .asset_added("Acme", &format!("10.0.0.{number}"))
            .await;
    }
    server.asset_added("Globex", "10.0.1.1").await;
    let ask = |form: serde_json::Value| server.post("/api/v1/deliveries/cancel", form);
    let acme = |dry_run| json!({"filter": {"company": "Acme"}, "dry_run": dry_run});
    let would = ask(acme(true)).await.expect(200).json();
    let share = json!([{"integration": would["integrations"][0]["integration"], "count": 3}]);
    assert_eq!(
        (&would["count"], &would["cancelled"], &would["truncated"]),
        (&json!(3), &json!(null), &json!(false))
    );
    assert_eq!(would["integrations"], share);
    assert_eq!(
        ask(acme(false)).await.expect(200).json()["cancelled"],
        json!(3)
    );
    assert_eq!(
        ask(acme(false)).await.expect(200).json()["cancelled"],
        json!(0)
    );
    let left = server.get("/api/v1/deliveries?status=pending").await.json();
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1));
    ask(json!({"filter": {"status": "dead"}}))
        .await
        .field("/filter/status", "pending or parked");
    ask(json!({"filter": {}}))
        .await
        .field("/filter", "at least one key");
}

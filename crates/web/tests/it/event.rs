mod export;
mod search;
mod stream;

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::{Answer, Server, id, request};

fn asset(company: &str, ip: &str) -> Value {
    json!({"event": "system.asset_added", "company": company, "fields": {"ip": ip}})
}

async fn raise(server: &Server, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = request(Method::POST, "/api/v1/events")
        .header("authorization", format!("Bearer {}", server.admin));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(body.into()).unwrap()).await
}

async fn stored(server: &Server) -> usize {
    server.get("/api/v1/events").await.expect(200).json()["items"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn an_event_becomes_an_alert_and_a_delivery() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let event = json!({"event": "system.asset_added", "company": routed.company, "severity": "high", "occurred_at": "2024-01-15T10:00:00Z",
        "records": [{"ip": "10.0.0.5", "hostname": "web-1.example.com"}]});
    let raised = server
        .post("/api/v1/events", event)
        .await
        .expect(202)
        .json();
    let path = format!("/api/v1/events/{}", id(&raised["items"][0]));
    let event = server.get(&path).await.expect(200).json();
    assert_eq!(
        (event["subject"].as_str(), event["severity"].as_str()),
        (Some("New Asset(s) Added"), Some("high"))
    );
    assert_eq!(
        (event["occurred_at"].as_str(), event["source"].is_null()),
        (Some("2024-01-15T10:00:00Z"), true)
    );
    assert_eq!(event["journal_id"], raised["journal_id"]);
    let trace = server
        .get(&format!("{path}/trace"))
        .await
        .expect(200)
        .json();
    let hops: Vec<_> = trace["hops"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|hop| hop["hop"].as_str())
        .collect();
    assert_eq!(
        hops,
        [
            "source", "parse", "company", "mapping", "rule", "delivery", "verdict"
        ],
        "{trace}"
    );
    assert_eq!(trace["deliveries"][0]["status"], "pending");
    assert_eq!(trace["configuration_moved"], false);
}

#[tokio::test]
async fn an_event_that_went_nowhere_says_why() {
    let server = Server::start().await;
    server.company("Acme").await;
    let event = server.asset_added("acme", "10.0.0.5").await;
    let view = server.get(&format!("/api/v1/events/{event}")).await.json();
    assert_eq!(
        (view["routing"].as_str(), view["unrouted_reason"].as_str()),
        (Some("unrouted"), Some("no_mapping"))
    );
    let trace = server
        .get(&format!("/api/v1/events/{event}/trace"))
        .await
        .json();
    assert!(
        trace["hops"].to_string().contains("add a company mapping"),
        "{trace}"
    );
}

#[tokio::test]
async fn an_array_and_lines_are_taken_whole() {
    let server = Server::start().await;
    server.company("Acme").await;
    let array = json!([asset("Acme", "10.0.0.1"), asset("Acme", "10.0.0.2")]);
    let raised = raise(
        &server,
        &[("content-type", "application/json")],
        array.to_string(),
    )
    .await
    .expect(202)
    .json();
    assert_eq!(raised["items"].as_array().unwrap().len(), 2);
    let lines = format!(
        "{}\n\n{}\r\n",
        asset("Acme", "10.0.0.3"),
        asset("Acme", "10.0.0.4")
    );
    let raised = raise(&server, &[("content-type", "application/x-ndjson")], lines)
        .await
        .expect(202)
        .json();
    assert_eq!(raised["items"].as_array().unwrap().len(), 2);
    let list = server
        .get("/api/v1/events?event=system.asset_added&limit=3")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            list["items"].as_array().unwrap().len(),
            list["next"].is_string()
        ),
        (3, true)
    );
    let first = list["items"][0]["body"].as_str().unwrap();
    assert!(first.contains("10.0.0.4"), "newest first: {first}");
}

#[tokio::test]
async fn nothing_is_stored_when_one_is_bad() {
    let server = Server::start().await;
    server.company("Acme").await;
    let good = asset("Acme", "10.0.0.1");
    let check = async |bad: Value, pointer: &str, words: &str| {
        let array = json!([good, bad]).to_string();
        raise(&server, &[("content-type", "application/json")], array)
            .await
            .field(&format!("/1{pointer}"), words);
        let lines = format!("{good}\n{bad}\n");
        raise(&server, &[("content-type", "application/x-ndjson")], lines)
            .await
            .field(&format!("/1{pointer}"), words);
        raise(&server, &[], bad.to_string())
            .await
            .field(pointer, words);
    };
    check(
        json!({"event": "system.asset_aded", "company": "Acme"}),
        "/event",
        "did you mean `system.asset_added`?",
    )
    .await;
    check(
        asset("Acmee", "10.0.0.1"),
        "/company",
        "did you mean `Acme`?",
    )
    .await;
    check(
        json!({"event": "system.asset_added", "company": "Acme", "fields": {"ipp": "10.0.0.1"}}),
        "/fields/ipp",
        "did you mean `ip`?",
    )
    .await;
    check(
        json!({"event": "system.asset_added", "company": "Acme"}),
        "/fields/ip",
        "needs the field",
    )
    .await;
    check(asset("Acme", "300.1.1.1"), "/fields/ip", "300.1.1.1").await;
    let records = json!({"event": "system.asset_added", "company": "Acme", "records": [{"ip": "10.0.0.1"}, {"ip": "x"}]});
    check(records, "/records/1/ip", "`x`").await;
    check(
        json!({"event": "system.asset_added", "company": "Acme", "feilds": {}}),
        "/feilds",
        "did you mean `fields`?",
    )
    .await;
    check(json!({"event": "system.asset_added", "company": "Acme", "severity": "hi", "fields": {"ip": "10.0.0.1"}}), "/severity", "info").await;
    check(
        json!({"event": "system.asset_added", "company": "Acme", "fields": {}, "records": [{}]}),
        "/records",
        "beside",
    )
    .await;
    check(json!({"event": "system.asset_added", "company": "Acme", "occurred_at": "now", "fields": {"ip": "10.0.0.1"}}), "/occurred_at", "RFC 3339").await;
    raise(&server, &[], "[]").await.field("", "at least one");
    raise(&server, &[], "{\"event\": ")
        .await
        .field("", "byte 10");
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn an_idempotency_key_stores_once() {
    let server = Server::start().await;
    server.company("Acme").await;
    let body = asset("Acme", "10.0.0.1").to_string();
    let first = raise(&server, &[("idempotency-key", "\"k-1\"")], body.clone())
        .await
        .expect(202)
        .json();
    let again = raise(&server, &[("idempotency-key", "k-1")], body)
        .await
        .expect(202)
        .json();
    assert_eq!(first, again);
    let other = asset("Acme", "10.0.0.2").to_string();
    raise(&server, &[("idempotency-key", "k-1")], other.clone())
        .await
        .field("Idempotency-Key", "another body");
    raise(&server, &[("idempotency-key", "\"k-1")], other)
        .await
        .field("Idempotency-Key", "quote");
    assert_eq!(stored(&server).await, 1);
}

#[tokio::test]
async fn only_what_is_new_is_stored_when_that_is_asked_for() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.company("Other").await;
    let only_new = "/api/v1/events?only_new=true";
    let dry_run = "/api/v1/events?only_new=true&dry_run=true";
    let both = json!([asset("Acme", "10.0.0.1"), asset("Acme", "10.0.0.2")]);
    let earlier = server.asset_added("Acme", "10.0.0.1").await;
    let preview = server.post(dry_run, both.clone()).await.expect(200).json();
    let nothing = json!({"items": [{"id": earlier, "seen": true}, {"id": null, "seen": false}], "journal_id": null});
    assert_eq!(preview, nothing);
    assert_eq!(stored(&server).await, 1);
    let first = server.post(only_new, both.clone()).await.expect(202).json();
    assert_eq!(first["items"][0], json!({"id": earlier, "seen": true}));
    assert_eq!(first["items"][1]["seen"], false);
    assert!(first["journal_id"].is_string());
    let second = server.post(only_new, both).await.expect(202).json();
    assert_eq!(
        second["items"][1],
        json!({"id": first["items"][1]["id"], "seen": true})
    );
    assert!(second["journal_id"].is_null());
    assert_eq!(stored(&server).await, 2);
    let other = server
        .post(only_new, asset("Other", "10.0.0.1"))
        .await
        .expect(202)
        .json();
    assert_eq!(
        other["items"][0]["seen"], false,
        "what one company has is new to another"
    );
    let plain = server
        .post("/api/v1/events", asset("Acme", "10.0.0.1"))
        .await
        .expect(202)
        .json();
    assert!(plain["items"][0].get("seen").is_none());
    assert_eq!(stored(&server).await, 4);
}

#[tokio::test]
async fn a_repeated_request_for_what_is_new_gets_its_first_answer() {
    let server = Server::start().await;
    server.company("Acme").await;
    let ask = async |body: Value| {
        let mut request = request(Method::POST, "/api/v1/events?only_new=true");
        for (name, value) in [
            ("authorization", format!("Bearer {}", server.admin)),
            ("idempotency-key", "k-1".to_owned()),
        ] {
            request = request.header(name, value);
        }
        server
            .send(request.body(body.to_string().into()).unwrap())
            .await
    };
    let earlier = server.asset_added("Acme", "10.0.0.1").await;
    let both = json!([asset("Acme", "10.0.0.1"), asset("Acme", "10.0.0.2")]);
    let first = ask(both.clone()).await.expect(202).json();
    assert_eq!(first["items"][0], json!({"id": earlier, "seen": true}));
    assert_eq!(ask(both).await.expect(202).json(), first);
}

#[tokio::test]
async fn asking_for_what_is_new_has_its_bounds() {
    let server = Server::start().await;
    server.company("Acme").await;
    let many = Value::Array(vec![asset("Acme", "10.0.0.1"); 1_001]);
    server
        .post("/api/v1/events?only_new=true", many)
        .await
        .field("", "at most 1000 events");
    let one = asset("Acme", "10.0.0.1");
    server
        .post("/api/v1/events?dry_run=true", one.clone())
        .await
        .field("?dry_run", "only_new");
    server
        .post("/api/v1/events?only_new=maybe", one.clone())
        .await
        .field("?only_new", "true");
    let bad = asset("Acme", "300.1.1.1");
    server
        .post("/api/v1/events?only_new=true&dry_run=true", bad)
        .await
        .field("/fields/ip", "300.1.1.1");
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn a_batch_may_be_larger_than_other_bodies_but_not_without_bound() {
    let server =
        Server::start_with(|settings| (settings.form_bytes, settings.events_bytes) = (100, 1_000))
            .await;
    server.company("Acme").await;
    let padded = |length: usize| format!("{}{}", asset("Acme", "10.0.0.1"), " ".repeat(length));
    raise(&server, &[], padded(500)).await.expect(202);
    raise(&server, &[], padded(1_000)).await.problem(413);
    server
        .post("/api/v1/companies", json!({"name": "x".repeat(100)}))
        .await
        .problem(413);
}

#[tokio::test]
async fn a_list_of_events_is_narrowed_by_its_query() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server.company("Globex").await;
    let one = server.asset_added("Acme", "10.0.0.1").await;
    let other = server.asset_added("Globex", "10.0.0.2").await;
    let check = async |query: &str, wanted: &[&String]| {
        let list = server
            .get(&format!("/api/v1/events?{query}"))
            .await
            .expect(200)
            .json();
        let found: Vec<_> = list["items"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{query}");
    };
    check("", &[&other, &one]).await;
    check("company=Acme", &[&one]).await;
    check(&format!("company={}", routed.company), &[&one]).await;
    check("routing=unrouted", &[&other]).await;
    check("routing=routed&match=full&decode=ok", &[&one]).await;
    check("severity=critical", &[]).await;
    check("since=2100-01-01T00:00:00Z", &[]).await;
    server
        .get("/api/v1/events?severity=hi")
        .await
        .field("?severity", "info");
    server
        .get("/api/v1/events?routing=lost")
        .await
        .field("?routing", "no_mapping");
    server
        .get("/api/v1/events?fingerprint=x")
        .await
        .field("?fingerprint", "32 hexadecimal");
    server
        .get("/api/v1/events?severty=high")
        .await
        .field("?severty", "did you mean `severity`?");
}

#[tokio::test]
async fn the_stream_tells_of_events_as_they_come() {
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;

    let server = Server::start().await;
    server.company("Acme").await;
    let before = server.asset_added("Acme", "10.0.0.1").await;
    let open = async |last: Option<&str>| {
        let mut request = request(Method::GET, "/api/v1/events/stream")
            .header("authorization", format!("Bearer {}", server.admin));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = web::router(server.app.clone())
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    };
    let mut live = open(None).await;
    let event = server.asset_added("Acme", "10.0.0.2").await;
    let line = String::from_utf8(live.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(
        line.contains(&format!("id: {event}")) && line.contains("10.0.0.2"),
        "{line}"
    );
    let mut resumed = open(Some(&before)).await;
    let line = String::from_utf8(resumed.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(line.contains(&format!("id: {event}")), "{line}");
}

#[tokio::test]
async fn events_over_the_quota_of_their_company_are_told_when_to_come_again() {
    let server = Server::start().await;
    let form = json!({"name": "Acme", "quota": {"events_per_second": 1}});
    server.made("/api/v1/companies", form).await;
    server.asset_added("Acme", "10.0.0.1").await;
    let event =
        json!({"event": "system.asset_added", "company": "Acme", "fields": {"ip": "10.0.0.2"}});
    let refused = server.post("/api/v1/events", event).await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        refused.problem(429)["type"],
        "urn:alertwire:problem:over-quota"
    );
    server.clock.advance(std::time::Duration::from_secs(1));
    server.asset_added("Acme", "10.0.0.3").await;
}

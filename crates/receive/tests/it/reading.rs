use domain::catalogue::Catalogue;
use domain::event::{Match, Reason, Routing};
use domain::message::Decode;
use domain::source::{CompanyRule, When};
use serde_json::json;

use crate::house::{House, SAMPLE, SECRET};

const VULNERABILITY: &str = r#"{"subject": "Critical Problems Found","body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Other\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"}"#;

#[tokio::test]
async fn the_guides_sample_comes_back_as_fields() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let event = house.event(source, &[], SAMPLE).await;
    assert_eq!(event.kind.as_deref(), Some("system.port_open_probe"));
    assert_eq!(
        (event.reading.matched, event.reading.decode),
        (Match::Full, Decode::Ok)
    );
    let records = serde_json::to_value(&event.reading.records).unwrap();
    assert_eq!(
        records,
        json!([{"port": 443, "ip": "192.168.1.100", "hostname": "server-01.example.com"}])
    );
    assert_eq!(event.company, Some(house.acme));
    assert_eq!(event.routing, Routing::Unrouted(Reason::NoMapping));
}

#[tokio::test]
async fn a_broken_payload_is_kept_and_acknowledged() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    for body in ["rubbish", "", "{", "[1, 2", "\u{0}"] {
        let event = house.event(source, &[], body).await;
        assert_eq!(event.reading.decode, Decode::Failed, "{body:?}");
        assert_eq!(event.kind, None);
        let scope = domain::access::Scope::All;
        let (message, _) = house
            .store
            .message(&scope, event.message)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(message.raw, body.as_bytes());
    }
}

#[tokio::test]
async fn a_body_chooses_a_company_inside_the_sources_set_alone() {
    let house = House::new().await;
    let free = house.source(|_| {}).await;
    assert_eq!(
        house.event(free, &[], VULNERABILITY).await.company,
        Some(house.other)
    );
    let house = House::new().await;
    let (acme, other) = (house.acme, house.other);
    let bound = house
        .source(|source| {
            source.companies = vec![acme];
            source.company_rules = vec![CompanyRule {
                when: When::BodyCompany("other".to_owned()),
                company: other,
            }];
        })
        .await;
    assert_eq!(
        house.event(bound, &[], VULNERABILITY).await.company,
        Some(acme)
    );
}

#[tokio::test]
async fn what_passed_here_before_is_kept_and_not_sent_on() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let via = format!("elsewhere, {}", house.store.instance());
    let event = house
        .event(source, &[("alertwire-via", &via)], SAMPLE)
        .await;
    assert_eq!(event.routing, Routing::Unrouted(Reason::Loop));
}

#[tokio::test]
async fn the_same_webhook_id_and_body_are_stored_once() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let headers = [("x-api-key", SECRET), ("webhook-id", "msg_7")];
    let first = house.post(source, &headers, SAMPLE).await.unwrap();
    let again = house.post(source, &headers, SAMPLE).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(
        (first.id, first.sha256, first.events),
        (again.id, again.sha256, again.events)
    );
    let reused = house.post(source, &headers, VULNERABILITY).await.unwrap();
    let scope = domain::access::Scope::All;
    assert!(
        house
            .store
            .message(&scope, reused.id)
            .await
            .unwrap()
            .unwrap()
            .0
            .id_reused
    );
}

#[tokio::test]
async fn the_truth_of_a_neutralised_value_is_believed_only_if_it_renders_to_the_same_body() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let catalogue = Catalogue::builtin();
    let records = [domain::catalogue::Record::from_iter([
        (
            "user".to_owned(),
            domain::catalogue::Value::Text("eve\nmallory".to_owned()),
        ),
        (
            "service".to_owned(),
            domain::catalogue::Value::Text("AzureAD".to_owned()),
        ),
    ])];
    let rendered = catalogue.render("entra.login_failure", &records).unwrap();
    let fields = rendered.fields_header.unwrap();
    let body = json!({"subject": rendered.subject, "body": rendered.body}).to_string();
    let event = house
        .event(source, &[("alertwire-fields", &fields)], &body)
        .await;
    assert_eq!(event.reading.records, records);
    let other =
        json!({"subject": rendered.subject, "body": format!("{} ", rendered.body)}).to_string();
    let doubted = house
        .event(source, &[("alertwire-fields", &fields)], &other)
        .await;
    assert_ne!(doubted.reading.records, records);
}

#[tokio::test]
async fn the_journal_holds_no_secret() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let event = house.event(source, &[("x-other", "kept")], SAMPLE).await;
    let scope = domain::access::Scope::All;
    let (message, _) = house
        .store
        .message(&scope, event.message)
        .await
        .unwrap()
        .unwrap();
    assert!(
        message
            .headers
            .contains(&("x-api-key".to_owned(), "[hidden]".to_owned()))
    );
    assert!(
        message
            .headers
            .contains(&("x-other".to_owned(), "kept".to_owned()))
    );
    assert!(!format!("{:?}", message.headers).contains(SECRET));
}

#[tokio::test]
async fn a_source_may_take_less_depth_than_the_server() {
    let house = House::new().await;
    let source = house
        .source(|source| source.limits.json_depth = Some(2))
        .await;
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"subject": "Asset Ports", "body": "x", "more": {open}1{close}}}"#)
    };
    let decode = async |depth| house.event(source, &[], &deep(depth)).await.reading.decode;
    assert_eq!(decode(1).await, Decode::Ok);
    assert_eq!(decode(2).await, Decode::Failed);
}

#[tokio::test]
async fn fields_that_a_reading_is_unsure_of_make_no_two_events_the_same() {
    let house = House::new().await;
    let window = Some(std::time::Duration::from_secs(300));
    let source = house.source(|source| source.dedup_window = window).await;
    let body = |tail: &str| {
        json!({"subject": "Asset Ports", "body": format!("Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com{tail}")})
            .to_string()
    };
    let read = async |tail: &str| house.event(source, &[], &body(tail)).await;
    let (first, again) = (read("").await, read("").await);
    assert_eq!((first.id, again.count), (again.id, 2));
    let partial = read(" and something that nobody knows").await;
    assert_ne!(partial.reading.matched, Match::Full);
    assert_ne!(partial.id, first.id);
    let other = read(" and something else that nobody knows").await;
    assert_ne!(other.id, partial.id);
    let same = read(" and something else that nobody knows").await;
    assert_eq!((same.id, same.count), (other.id, 2));
}

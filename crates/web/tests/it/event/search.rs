use serde_json::{Value, json};

use crate::support::{Server, id};

/// A filter as a query writes it.
pub fn by(filter: &str) -> String {
    let pairs = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("filter", filter)
        .finish();
    format!("/api/v1/events?{pairs}")
}

/// Ids of the events that a path lists.
async fn ids(server: &Server, path: &str) -> Vec<String> {
    let list = server.get(path).await.expect(200).json();
    assert!(list["scanned_until"].is_null(), "{list}");
    list["items"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn a_search_speaks_the_filter_language() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.company("Globex").await;
    let one = server.asset_added("Acme", "10.0.0.1").await;
    server.clock.advance(std::time::Duration::from_secs(1));
    let other = server.asset_added("Globex", "10.0.0.2").await;
    for (filter, wanted) in [
        ("company=acme", vec![&one]),
        ("company!=acme", vec![&other]),
        ("field.ip=10.0.0.*", vec![&other, &one]),
        ("field.ip=~\"10\\.0\\.0\\.1\" severity>=info", vec![&one]),
        ("text=\"10.0.0.2\"", vec![&other]),
        ("routing=no_mapping event=system.*", vec![&other, &one]),
        ("routing=routed", vec![]),
        ("company=nobody", vec![]),
        ("received_at>=2100-01-01T00:00:00Z", vec![]),
    ] {
        let found = ids(&server, &by(filter)).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{filter}");
    }
    let both = format!("{}&company=Globex&text=asset", by("severity>=info"));
    assert_eq!(ids(&server, &both).await, [other]);
}

#[tokio::test]
async fn a_search_that_cannot_be_read_says_what_to_do() {
    let server = Server::start().await;
    for (filter, says) in [
        ("sevrity=high", "did you mean `severity`?"),
        ("text=--", "no word"),
        ("routing=lost", "no_mapping"),
        ("field.ip=~\"(\"", "cannot be used"),
        (&"match=full ".repeat(17), "at most 16 terms"),
        (&"x".repeat(1_025), "at most 1024 bytes"),
        ("body=~\"((a{500}){500}){500}\"", "size limit"),
    ] {
        let refused = server.get(&by(filter)).await;
        refused.field("?filter", says);
    }
}

#[tokio::test]
async fn unrouted_events_are_replayed_by_a_filter() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.asset_added("Acme", "10.0.0.1").await;
    server.asset_added("Acme", "10.0.0.2").await;
    let count = async |query: Value| {
        let form = json!({"unrouted": query, "dry_run": true});
        let preview = server
            .post("/api/v1/replays", form)
            .await
            .expect(200)
            .json();
        preview["count"].clone()
    };
    assert_eq!(count(json!({"filter": "field.ip=10.0.0.1"})).await, 1);
    assert_eq!(
        count(json!({"filter": "company=acme", "text": "10.0.0.2"})).await,
        1
    );
    assert_eq!(count(json!({"filter": "routing=routed"})).await, 0);
    let bad = json!({"unrouted": {"filter": "severity>=huge"}, "dry_run": true});
    let refused = server.post("/api/v1/replays", bad).await;
    refused.field("/unrouted/filter", "not a severity");
}

#[tokio::test]
async fn a_place_refuses_what_is_not_known_there() {
    let server = Server::start().await;
    let form = json!({"name": "N", "filter": "routing=no_rule", "reason": "R", "until": "2100-01-01T00:00:00Z"});
    let refused = server.post("/api/v1/silences", form).await;
    refused.field("/filter", "must not ask for `routing`");
    let question = json!({"filter": "routing=no_rule company=Acme text=asset"});
    server.post("/api/v1/what-if", question).await.expect(200);
}

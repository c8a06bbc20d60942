//! Stopping.

use serde_json::json;
use testkit::{Answer, Target};

use crate::support::{Place, everything_to, numbered};

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    target.answer(Answer::ok().hanging());
    let id = api.raise(numbered(1)).await;
    target.requests(2).await;
    server.signal("TERM");
    target.let_go();
    assert_eq!(server.ended().await.code(), Some(0));
    let server = place.start();
    let page = server
        .api()
        .get(&format!("api/v1/deliveries?event={id}"))
        .await;
    assert_eq!(page["items"][0]["status"], "delivered", "{page}");
    assert_eq!(
        page["items"][0]["attempts"].as_array().unwrap().len(),
        1,
        "{page}"
    );
    assert_eq!(
        target.received().len(),
        2,
        "the test alert and one delivery"
    );
}

#[tokio::test]
async fn an_idle_server_stops_at_once_on_either_signal() {
    for signal in ["TERM", "INT"] {
        let place = Place::new();
        let server = place.start();
        server.signal(signal);
        assert_eq!(server.ended().await.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn sighup_stops_nothing() {
    let place = Place::new();
    let server = place.start();
    server.signal("HUP");
    crate::support::looked(
        crate::support::PATIENCE,
        "the log tells of the reload",
        async || server.log().contains("reload").then_some(()),
    )
    .await;
    assert_eq!(server.api().call("GET", "livez", None).await.status, 200);
}

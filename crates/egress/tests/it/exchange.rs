//! One exchange: the bytes, the pool, redirects, broken connections.

use std::time::Duration;

use egress::{Cause, Egress, Settings};
use http::{HeaderMap, HeaderValue};
use testkit::{Answer, Target};

use crate::support::{local, post, settings, target};

#[tokio::test]
async fn the_request_is_sent_byte_for_byte() {
    let receiver = Target::start().await;
    let door = local();
    let mut request = post(&target(&door, &receiver.url("/hook?key=a%20b")));
    request
        .headers
        .insert("content-type", HeaderValue::from_static("application/json"));
    request
        .headers
        .insert("host", HeaderValue::from_static("elsewhere.example"));
    request
        .headers
        .insert("user-agent", HeaderValue::from_static("other"));
    let body = request.body.clone();
    door.http(request).await.unwrap();
    let received = receiver.received().remove(0);
    assert_eq!(received.body, body);
    let expected = format!(
        "POST /hook?key=a%20b HTTP/1.1\r\ncontent-type: application/json\r\nhost: 127.0.0.1:{}\r\nuser-agent: {}\r\ncontent-length: {}\r\n\r\n",
        receiver.port(),
        egress::USER_AGENT,
        body.len(),
    );
    assert_eq!(String::from_utf8(received.head).unwrap(), expected);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let canary = Target::start().await;
    let receiver = Target::start().await;
    let door = local();
    let url = target(&door, &receiver.url("/"));
    for status in [301, 302, 303, 307, 308] {
        receiver.then(
            Answer::status(status)
                .header("location", &canary.url("/"))
                .header("refresh", "0; url=/"),
        );
        let exchange = door.http(post(&url)).await.unwrap();
        assert_eq!(exchange.status, status);
        assert_eq!(exchange.headers["location"], canary.url("/"));
    }
    assert_eq!(receiver.received().len(), 5);
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = Target::start().await;
    receiver.answer(Answer::json("{\"ok\":true}"));
    let door = local();
    let url = target(&door, &receiver.url("/"));
    let first = door.http(post(&url)).await.unwrap();
    assert!(first.timings.connect.is_some() && first.timings.first_byte.is_some());
    for _ in 0..20 {
        let again = door.http(post(&url)).await.unwrap();
        assert_eq!(again.body, "{\"ok\":true}");
        assert_eq!((again.timings.dns, again.timings.connect), (None, None));
        assert_eq!(again.peer, Some(receiver.address()));
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_target_closed_is_replaced_unnoticed() {
    let receiver = Target::start().await;
    let address = receiver.address();
    let door = local();
    let url = target(&door, &receiver.url("/"));
    door.http(post(&url)).await.unwrap();
    drop(receiver);
    // The tasks of the old target end, and the reactor learns of it.
    let successor = loop {
        tokio::task::yield_now().await;
        if let Ok(listener) = std::net::TcpListener::bind(address) {
            drop(listener);
            break Target::start_at(address).await;
        }
    };
    let exchange = door.http(post(&url)).await.unwrap();
    assert_eq!(exchange.status, 200);
    assert_eq!(successor.received().len(), 1);
}

#[tokio::test]
async fn a_target_that_says_close_is_believed() {
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().header("connection", "close"));
    let door = local();
    let url = target(&door, &receiver.url("/"));
    for _ in 0..3 {
        door.http(post(&url)).await.unwrap();
    }
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_reset_and_nothing_is_sent_twice() {
    let receiver = Target::start().await;
    let door = local();
    let url = target(&door, &receiver.url("/"));
    receiver.then(Answer::ok());
    door.http(post(&url)).await.unwrap();
    // On the connection that is open already, where a client is tempted to try again.
    receiver.then(Answer::reset_after_reading());
    assert_eq!(door.http(post(&url)).await.unwrap_err().cause, Cause::Reset);
    assert_eq!(receiver.received().len(), 2);
    receiver.then(Answer::reset_before_reading());
    assert_eq!(door.http(post(&url)).await.unwrap_err().cause, Cause::Reset);
    receiver.then(Answer::raw(""));
    assert_eq!(door.http(post(&url)).await.unwrap_err().cause, Cause::Reset);
    receiver.then(Answer::raw("SSH-2.0-OpenSSH_9.9\r\n\r\n"));
    assert_eq!(
        door.http(post(&url)).await.unwrap_err().cause,
        Cause::Protocol
    );
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let receiver = Target::start().await;
    let door = local();
    let url = target(&door, &receiver.url("/"));
    drop(receiver);
    tokio::task::yield_now().await;
    let failure = door.http(post(&url)).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Connect);
    assert_eq!(failure.detail, "the connection was refused (TCP)");
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_its_status() {
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().body("0123456789").cut());
    let door = local();
    let exchange = door
        .http(post(&target(&door, &receiver.url("/"))))
        .await
        .unwrap();
    assert_eq!(
        (
            exchange.status.as_u16(),
            exchange.truncated,
            exchange.body.as_ref()
        ),
        (200, true, &b"01234"[..])
    );
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_limit() {
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().hanging());
    let door = Egress::new(Settings {
        connections: 4,
        ..settings(&["127.0.0.1"])
    })
    .unwrap();
    let url = target(&door, &receiver.url("/"));
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (door, url) = (door.clone(), url.clone());
        sends.spawn(async move { door.http(post(&url)).await.unwrap().status });
    }
    receiver.requests(4).await;
    assert_eq!(receiver.connections(), 4);
    receiver.let_go();
    assert_eq!(sends.join_all().await.len(), 20);
    assert_eq!(receiver.connections(), 4);
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_another_host() {
    let (first, second) = (Target::start().await, Target::start().await);
    let door = Egress::new(Settings {
        connections: 1,
        ..settings(&["127.0.0.1"])
    })
    .unwrap();
    let urls = [
        target(&door, &first.url("/")),
        target(&door, &second.url("/")),
    ];
    for _ in 0..3 {
        for url in &urls {
            door.http(post(url)).await.unwrap();
        }
    }
    assert_eq!((first.connections(), second.connections()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_connection_idle_for_too_long_is_not_used_again() {
    let receiver = Target::start().await;
    let door = Egress::new(Settings {
        idle_timeout: Duration::from_secs(10),
        ..settings(&["127.0.0.1"])
    })
    .unwrap();
    let url = target(&door, &receiver.url("/"));
    door.http(post(&url)).await.unwrap();
    tokio::time::advance(Duration::from_secs(9)).await;
    door.http(post(&url)).await.unwrap();
    assert_eq!(receiver.connections(), 1);
    tokio::time::advance(Duration::from_secs(11)).await;
    door.http(post(&url)).await.unwrap();
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn headers_of_the_caller_reach_the_wire() {
    let receiver = Target::start().await;
    let door = local();
    let mut request = post(&target(&door, &receiver.url("/")));
    request.headers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-api-key"),
        HeaderValue::from_static("k~!#$%&'*+-.^_`|"),
    )]);
    door.http(request).await.unwrap();
    assert_eq!(
        receiver.received()[0].header("X-API-Key"),
        Some("k~!#$%&'*+-.^_`|")
    );
    assert_eq!(receiver.received()[0].header("accept-encoding"), None);
}

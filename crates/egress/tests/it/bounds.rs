//! S13: hostile answers end, and hold no more than their limit.

use std::time::Duration;

use egress::{Cause, Egress, Settings};
use testkit::{Answer, Target};

use crate::support::{TIMEOUT, local, post, settings, target};

/// The deadline is a timer of the paused clock, which moves by itself when all else waits.
#[tokio::test(start_paused = true)]
async fn a_hanging_target_is_left_at_the_deadline() {
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().hanging());
    let door = local();
    let failure = door
        .http(post(&target(&door, &receiver.url("/"))))
        .await
        .unwrap_err();
    assert_eq!(failure.cause, Cause::Timeout);
    assert_eq!(
        failure.detail,
        "not done within 15s (waiting for the answer)"
    );
    assert_eq!(failure.peer, Some(receiver.address()));
    assert!(
        failure.timings.total >= TIMEOUT
            && failure.timings.total < TIMEOUT + Duration::from_secs(1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_does_not_outlast_the_deadline() {
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().dripping(Duration::from_secs(1)));
    let door = local();
    let failure = door
        .http(post(&target(&door, &receiver.url("/"))))
        .await
        .unwrap_err();
    assert_eq!(failure.cause, Cause::Timeout);
    assert_eq!(failure.detail, "not done within 15s (reading the answer)");
    assert!(failure.timings.total < TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_limit_and_dropped() {
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().endless());
    let door = local();
    let url = target(&door, &receiver.url("/"));
    for _ in 0..2 {
        let exchange = door.http(post(&url)).await.unwrap();
        assert_eq!(
            (
                exchange.status.as_u16(),
                exchange.body.len(),
                exchange.truncated
            ),
            (200, 64 * 1024, true)
        );
    }
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_bomb_stays_packed() {
    let bomb = testkit::gzip_bomb(64 * 1024 * 1024);
    assert!(bomb.len() > 64 * 1024);
    let receiver = Target::start().await;
    receiver.answer(Answer::ok().header("content-encoding", "gzip").body(&bomb));
    let door = local();
    let exchange = door
        .http(post(&target(&door, &receiver.url("/"))))
        .await
        .unwrap();
    assert_eq!(exchange.body, bomb[..64 * 1024]);
    assert!(exchange.truncated);
    assert_eq!(receiver.received()[0].header("accept-encoding"), None);
}

#[tokio::test]
async fn a_thousand_headers_are_too_many() {
    let receiver = Target::start().await;
    receiver.then(Answer::ok().many_headers(1_000));
    receiver.then(Answer::ok().header("x-long", &"a".repeat(64 * 1024)));
    receiver.then(Answer::ok().many_headers(50));
    let door = local();
    let url = target(&door, &receiver.url("/"));
    for _ in 0..2 {
        assert_eq!(
            door.http(post(&url)).await.unwrap_err().cause,
            Cause::TooLarge
        );
    }
    assert_eq!(door.http(post(&url)).await.unwrap().headers.len(), 51);
}

#[tokio::test]
async fn a_body_at_the_limit_is_whole() {
    let receiver = Target::start().await;
    let door = Egress::new(Settings {
        response_bytes: 10,
        ..settings(&["127.0.0.1"])
    })
    .unwrap();
    let url = target(&door, &receiver.url("/"));
    for (size, kept, truncated) in [(9, 9, false), (10, 10, false), (11, 10, true)] {
        receiver.then(Answer::ok().body("a".repeat(size)));
        let exchange = door.http(post(&url)).await.unwrap();
        assert_eq!(
            (exchange.body.len(), exchange.truncated),
            (kept, truncated),
            "{size}"
        );
    }
}

#[test]
fn settings_under_their_least_are_refused() {
    assert!(
        Egress::new(Settings {
            connections: 0,
            ..Settings::default()
        })
        .is_err()
    );
    assert!(
        Egress::new(Settings {
            header_bytes: 100,
            ..Settings::default()
        })
        .is_err()
    );
    assert!(
        Egress::new(Settings {
            ca_pem: Some("no pem".to_owned()),
            ..Settings::default()
        })
        .is_err()
    );
}

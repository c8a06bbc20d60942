//! Tokens that die under load (F28), and logins that come and go: never a request without a token.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use connectors::{Outgoing, Ready};
use delivery::{HoldReason, Outcome};
use domain::{DeliveryId, Timestamp};
use egress::{Egress, Settings};
use serde_json::{Value, json};
use testkit::{Answer, ManualClock, Target, seeded};
use tokio::task::JoinSet;

use crate::support::{alert, clock, object, stored};

const ALERTS: u64 = 1_000;
const DELIVERED: Outcome = Outcome::Delivered { status_code: 200 };

fn credentials(target: &Target) -> Value {
    json!({"authentication_url": target.url("/login"), "username": "u", "password": "p"})
}

/// A webhook behind a door of a hundred connections, so that the storm fits into any limit on open files.
fn ready(target: &Target) -> Ready {
    let door = Egress::new(Settings {
        allow: vec!["127.0.0.1".parse().unwrap()],
        connections: 100,
        ..Settings::default()
    })
    .unwrap();
    let mut credentials = object(credentials(target));
    credentials.insert("webhook_url".to_owned(), target.url("/hook").into());
    let (integration, secrets) = stored(connectors::parse("webhook", &credentials, &door).unwrap());
    Ready::new(&integration, &secrets, door).unwrap()
}

fn token(name: &str) -> Answer {
    Answer::json(&format!(r#"{{"access_token": "{name}"}}"#))
}

fn count(target: &Target, path: &str) -> usize {
    let received = target.received();
    received
        .iter()
        .filter(|request| request.path == path)
        .count()
}

/// Alert number so and so, with an id of its own.
fn numbered(number: u64) -> Outgoing {
    let delivery = DeliveryId::new(
        Timestamp::from_micros(1_700_000_000_000_000),
        &mut seeded(number),
    );
    Outgoing {
        delivery,
        ..alert()
    }
}

fn send_all(ready: &Arc<Ready>, numbers: std::ops::Range<u64>) -> JoinSet<Outcome> {
    let mut sends = JoinSet::new();
    for number in numbers {
        let ready = Arc::clone(ready);
        sends.spawn(async move {
            let clock = clock(&ManualClock::anywhere());
            ready
                .send(&[numbered(number)], &clock)
                .await
                .remove(0)
                .outcome
        });
    }
    sends
}

#[tokio::test]
async fn a_token_that_dies_under_a_thousand_alerts_costs_one_login_and_one_more_try_each() {
    let target = Target::start().await;
    target.on_path("/login", token("first"));
    let ready = Arc::new(ready(&target));
    let half = ALERTS / 2;
    assert!(
        send_all(&ready, 0..half)
            .join_all()
            .await
            .iter()
            .all(|outcome| *outcome == DELIVERED)
    );
    assert_eq!(count(&target, "/login"), 1);

    // From now on the first token is dead, and the next login takes its time.
    target.on_path("/login", token("second").hanging());
    target.on_path(
        "/hook",
        Answer::decided(|request| match request.header("authorization") {
            Some("Bearer second") => Answer::ok(),
            _ => Answer::status(401),
        }),
    );
    let sends = send_all(&ready, half..ALERTS);
    // All of the second half were refused, and one of them logs in: while it does, nobody else knocks.
    target
        .requests(usize::try_from(1 + ALERTS + 1).unwrap())
        .await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(&target, "/login"), 2, "one login in flight");
    assert_eq!(count(&target, "/hook"), usize::try_from(ALERTS).unwrap());
    target.let_go();
    assert!(
        sends
            .join_all()
            .await
            .iter()
            .all(|outcome| *outcome == DELIVERED)
    );
    assert_eq!(count(&target, "/login"), 2);

    let mut tries: HashMap<String, usize> = HashMap::new();
    for request in target
        .received()
        .iter()
        .filter(|request| request.path == "/hook")
    {
        assert!(
            request.header("authorization").is_some(),
            "nothing goes without a token"
        );
        *tries
            .entry(request.header("webhook-id").unwrap().to_owned())
            .or_default() += 1;
    }
    assert_eq!(tries.len(), usize::try_from(ALERTS).unwrap());
    let twice = tries.values().filter(|tries| **tries == 2).count();
    assert_eq!(
        u64::try_from(twice).unwrap(),
        half,
        "one more try for each that was refused"
    );
    assert!(tries.values().all(|tries| *tries <= 2));
}

#[tokio::test]
async fn a_login_that_flaps_lets_nothing_out_without_a_token() {
    let target = Target::start().await;
    let logins = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&logins);
    // Every other login fails, each time in another way; what is given lasts for a moment.
    target.on_path(
        "/login",
        Answer::decided(move |_| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            match number % 6 {
                0 => Answer::status(503),
                2 => Answer::json("{}"),
                4 => Answer::reset_after_reading(),
                _ => Answer::json(&format!(
                    r#"{{"access_token": "token-{number}", "expires_in": 20}}"#
                )),
            }
        }),
    );
    // And every third token is dead on arrival.
    target.on_path(
        "/hook",
        Answer::decided(|request| match request.header("authorization") {
            Some("Bearer token-3") => Answer::status(401),
            _ => Answer::ok(),
        }),
    );
    let ready = ready(&target);
    let manual = ManualClock::anywhere();
    let (mut delivered, mut held, mut refused) = (0, 0, 0);
    for number in 0..300 {
        manual.advance(Duration::from_secs(3));
        match ready
            .send(&[numbered(number)], &clock(&manual))
            .await
            .remove(0)
            .outcome
        {
            DELIVERED => delivered += 1,
            Outcome::Held(HoldReason::Login) => held += 1,
            Outcome::Failed { .. } => refused += 1,
            outcome => panic!("{outcome:?}"),
        }
    }
    assert!(delivered > 0 && held > 0, "{delivered} {held} {refused}");
    let requests = target.received();
    let hooks: Vec<_> = requests
        .iter()
        .filter(|request| request.path == "/hook")
        .collect();
    assert!(hooks.len() >= delivered);
    for request in hooks {
        let authorization = request.header("authorization").unwrap_or_default();
        assert!(
            authorization.starts_with("Bearer token-"),
            "{authorization:?}"
        );
    }
    // A login that failed is left alone for a while, so there are fewer logins than alerts.
    assert!(logins.load(Ordering::SeqCst) < 200);
}

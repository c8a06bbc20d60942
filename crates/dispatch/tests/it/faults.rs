//! What can go wrong between here and the target has a class of its own, costs nobody else anything and loses nothing
//! (reliability.md, F8, F11, F13 to F15).

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alertwire_dispatch::Settings;
use delivery::HoldReason;
use domain::access::Scope;
use domain::event_set::NotifyBy;
use egress::Resolve;
use egress::resolve::Lookup;
use serde_json::json;
use store::Standing;
use testkit::{Answer, Authority, Certificate, Target};

use crate::house::House;

const GRACE: Duration = Duration::from_secs(20);

/// What a resolver says, in turn; the last one for ever.
#[derive(Debug, Clone, Copy)]
enum Says {
    At(&'static str),
    NotFound,
    Failing,
    Nothing,
}

#[derive(Debug)]
struct Scripted(Mutex<VecDeque<Says>>);

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
        let mut says = self.0.lock().unwrap();
        let next = if says.len() > 1 {
            says.pop_front()
        } else {
            says.front().copied()
        };
        drop(says);
        Box::pin(async move {
            match next {
                Some(Says::At(address)) => Ok(vec![address.parse::<IpAddr>().unwrap()]),
                Some(Says::Failing) => Err(io::Error::other("SERVFAIL")),
                Some(Says::Nothing) => std::future::pending().await,
                Some(Says::NotFound) | None => Err(io::ErrorKind::NotFound.into()),
            }
        })
    }
}

/// A door that asks this resolver, trusts this authority and waits for no step longer than a moment.
fn door(says: &[Says], authority: Option<&Authority>) -> egress::Settings {
    egress::Settings {
        resolver: Arc::new(Scripted(Mutex::new(says.iter().copied().collect()))),
        ca_pem: authority.map(Authority::pem),
        connect_timeout: Duration::from_millis(200),
        ..egress::Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_drip_ends_by_the_deadline_and_delays_nobody_else() {
    let house = House::new(
        json!({"timeout": "300ms", "concurrency": 1}),
        NotifyBy::Event,
    )
    .await;
    house
        .target
        .then(Answer::ok().dripping(Duration::from_millis(20)));
    let healthy = Target::start().await;
    let other = house.another(&healthy.url("/"), json!({})).await;
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    house.until(other, Standing::Delivered, 1).await;
    let row = house.tried(house.integration, 1).await;
    assert_eq!(row.cause.as_deref(), Some("timeout"));
    house.clock.set(row.due_at);
    house.until(house.integration, Standing::Delivered, 1).await;
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_asked_again_when_it_says_and_within_a_day() {
    let minute = Duration::from_secs(60);
    // Its clock says Mon, 15 Jan 2024 10:30:00 GMT.
    for (header, least, most) in [
        ("120", 2 * minute, 2 * minute),
        ("Mon, 15 Jan 2024 11:30:00 GMT", 60 * minute, 60 * minute),
        (
            "Sun, 15 Jan 2034 10:30:00 GMT",
            1_440 * minute,
            1_440 * minute,
        ),
        ("315360000", 1_440 * minute, 1_440 * minute),
        ("next week, perhaps", minute * 4 / 5, minute * 6 / 5),
        ("-5", minute * 4 / 5, minute * 6 / 5),
    ] {
        let house = House::new(json!({"schedule": ["0s", "1m"]}), NotifyBy::Event).await;
        house
            .target
            .then(Answer::status(429).header("retry-after", header));
        let dispatcher = house.dispatch();
        house.raise(&["192.168.1.100"]).await;
        let row = house.tried(house.integration, 1).await;
        let wait = row.due_at.since(house.now());
        assert!((least..=most).contains(&wait), "{header}: {wait:?}");
        assert_eq!(row.cause.as_deref(), Some("http_4xx"));
        house.clock.set(row.due_at);
        house.until(house.integration, Standing::Delivered, 1).await;
        dispatcher.stop(GRACE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_does_not_resolve_is_a_failure_of_dns_and_the_others_are_delivered() {
    let authority = Authority::new();
    let named = Target::start_tls_with(&authority, Certificate::Good).await;
    for says in [Says::NotFound, Says::Failing, Says::Nothing] {
        let house = House::new(json!({}), NotifyBy::Event).await;
        let url = format!("https://target.example:{}/", named.port());
        let before = named.received().len();
        let lost = house.another(&url, json!({"schedule": ["0s", "1m"]})).await;
        let door = door(&[says, Says::At("127.0.0.1")], Some(&authority));
        let dispatcher = house.dispatch_by(door, Settings::default());
        house.raise(&["192.168.1.100"]).await;
        house.until(house.integration, Standing::Delivered, 1).await;
        let row = house.tried(lost, 1).await;
        assert_eq!(row.cause.as_deref(), Some("dns"), "{says:?}");
        house.clock.set(row.due_at);
        house.until(lost, Standing::Delivered, 1).await;
        assert_eq!(named.received().len(), before + 1);
        dispatcher.stop(GRACE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_flips_to_a_private_address_is_held_as_blocked_and_spends_no_attempt() {
    let authority = Authority::new();
    let named = Target::start_tls_with(&authority, Certificate::Good).await;
    let house = House::new(json!({}), NotifyBy::Event).await;
    let url = format!("https://target.example:{}/", named.port());
    let flips = house.another(&url, json!({"concurrency": 1})).await;
    let says = [Says::At("10.0.0.1"), Says::At("127.0.0.1")];
    let dispatcher = house.dispatch_by(door(&says, Some(&authority)), Settings::default());
    house.raise(&["192.168.1.100"]).await;
    house.until(house.integration, Standing::Delivered, 1).await;
    house.until(flips, Standing::Parked, 1).await;
    let gate = house.store.gate(flips).await.unwrap();
    assert_eq!(gate.held(), Some(HoldReason::BlockedAddress));
    assert_eq!(named.connections(), 0);
    // It is tried again now and then, and an honest address ends the hold.
    house.clock.advance(Duration::from_secs(60));
    house.until(flips, Standing::Delivered, 1).await;
    assert_eq!(house.tried(flips, 1).await.attempts, 1);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_tls_is_told_apart_and_the_others_are_delivered() {
    let authority = Authority::new();
    for (certificate, words) in [
        (Some(Certificate::Expired), "expired"),
        (Some(Certificate::WrongHost), "another host"),
        (Some(Certificate::SelfSigned), "not trusted"),
        (None, "not done within"),
    ] {
        let house = House::new(json!({}), NotifyBy::Event).await;
        // Without a certificate it is a target that never says a word of TLS.
        let target = match certificate {
            Some(certificate) => Target::start_tls_with(&authority, certificate).await,
            None => Target::start().await,
        };
        let url = format!("https://127.0.0.1:{}/", target.port());
        let bad = house.another(&url, json!({"schedule": ["0s"]})).await;
        let dispatcher = house.dispatch_by(door(&[], Some(&authority)), Settings::default());
        house.raise(&["192.168.1.100"]).await;
        house.until(house.integration, Standing::Delivered, 1).await;
        house.until(bad, Standing::Dead, 1).await;
        let row = house.tried(bad, 1).await;
        let attempts = house.store.attempts(&Scope::All, row.id).await.unwrap();
        let class = if certificate.is_some() {
            "tls"
        } else {
            "timeout"
        };
        assert_eq!(row.cause.as_deref(), Some(class), "{certificate:?}");
        let detail = attempts[0].detail.as_deref().unwrap();
        assert!(detail.contains(words), "{certificate:?}: {detail}");
        assert!(target.received().is_empty(), "nothing was said to it");
        dispatcher.stop(GRACE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_after_the_body_was_sent_is_a_failure_and_the_same_alert_comes_again() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    house.target.then(Answer::reset_after_reading());
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    let row = house.tried(house.integration, 1).await;
    assert_eq!(row.cause.as_deref(), Some("reset"));
    house.clock.set(row.due_at);
    house.until(house.integration, Standing::Delivered, 1).await;
    let received = house.target.received();
    let ids: Vec<_> = received
        .iter()
        .map(|request| request.header("webhook-id").unwrap())
        .collect();
    assert_eq!(ids, [row.id.to_string(), row.id.to_string()]);
    assert_eq!(received[0].body, received[1].body);
    let attempts = house.store.attempts(&Scope::All, row.id).await.unwrap();
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["failed", "delivered"]);
    dispatcher.stop(GRACE).await;
}

/// The status had come, and it alone says whether the receiver has the alert.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_after_its_status_means_what_the_status_says() {
    let house = House::new(json!({"concurrency": 1}), NotifyBy::Event).await;
    house
        .target
        .then(Answer::status(503).body("0123456789").cut());
    house.target.then(Answer::ok().body("0123456789").cut());
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    let row = house.tried(house.integration, 1).await;
    assert_eq!(row.cause.as_deref(), Some("http_5xx"));
    house.clock.set(row.due_at);
    house.until(house.integration, Standing::Delivered, 1).await;
    assert_eq!(house.target.received().len(), 2);
    dispatcher.stop(GRACE).await;
}

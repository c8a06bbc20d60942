use std::time::Duration;

use delivery::{Gate, HoldReason};
use domain::access::{Actor, Scope};
use domain::event_set::NotifyBy;
use serde_json::json;
use store::{Change, Retried, Standing};
use testkit::Answer;

use crate::house::House;

const GRACE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_arrives_as_subject_and_body_and_its_attempt_is_kept() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    let request = house.target.requests(1).await.remove(0);
    let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        sent,
        json!({"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100"})
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        request.header("alertwire-company"),
        Some("Acme%20Corporation")
    );
    let row = house.until_all(Standing::Delivered).await.remove(0);
    assert_eq!(
        request.header("webhook-id"),
        Some(row.id.to_string().as_str())
    );
    let attempts = house.store.attempts(&Scope::All, row.id).await.unwrap();
    assert_eq!(
        attempts
            .iter()
            .map(|attempt| attempt.outcome.as_str())
            .collect::<Vec<_>>(),
        ["delivered"]
    );
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_refuses_nine_times_gets_the_same_alert_at_the_tenth() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    (0..9).for_each(|_| house.target.then(Answer::status(503)));
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    for spent in 1..=9 {
        house.on_to_the_next_attempt(spent).await;
    }
    let row = house.until_all(Standing::Delivered).await.remove(0);
    let requests = house.target.requests(10).await;
    let ids: Vec<_> = requests
        .iter()
        .map(|request| request.header("webhook-id").unwrap().to_owned())
        .collect();
    assert_eq!(ids, vec![row.id.to_string(); 10]);
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body)
    );
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_gone_gets_nothing_more_until_a_person_opens_the_gate() {
    let house = House::new(json!({"concurrency": 1}), NotifyBy::Event).await;
    house.target.then(Answer::status(410));
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    let dead = house.until_all(Standing::Dead).await.remove(0);
    assert_eq!(dead.reason.as_deref(), Some("gone"));
    house
        .until_gate(|gate| gate.held() == Some(HoldReason::Gone))
        .await;
    house.raise(&["192.168.1.101"]).await;
    let parked = house.deliveries().await;
    assert_eq!(
        parked
            .iter()
            .filter(|row| row.standing == Standing::Parked)
            .count(),
        1
    );
    house
        .store
        .change(
            Change::ReleaseGate {
                id: house.integration,
            },
            &Actor::Local,
            house.now(),
        )
        .await
        .unwrap();
    let retried = house
        .store
        .retry(&Scope::All, dead.id, house.now(), &Actor::Local)
        .await
        .unwrap();
    assert_eq!(retried, Retried::Due(dead.id));
    house.until_all(Standing::Delivered).await;
    assert_eq!(house.until_gate(|_| true).await, Gate::default());
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let house = House::new(json!({"schedule": ["0s"]}), NotifyBy::Event).await;
    house
        .target
        .then(Answer::status(302).header("location", &house.target.url("/elsewhere")));
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    let dead = house.until_all(Standing::Dead).await.remove(0);
    assert_eq!(
        (dead.reason.as_deref(), dead.cause.as_deref()),
        (Some("exhausted"), Some("redirect"))
    );
    assert_eq!(house.target.received().len(), 1);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_finishes_what_is_in_flight_and_gives_the_lease_back() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    house.target.then(Answer::ok().hanging());
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    house.target.requests(1).await;
    let stopping = tokio::spawn(dispatcher.stop(GRACE));
    house.target.let_go();
    stopping.await.unwrap();
    assert_eq!(house.deliveries().await[0].standing, Standing::Delivered);
    let lease = house
        .store
        .take_leases(&[house.integration], GRACE, house.now())
        .await
        .unwrap();
    assert_eq!(lease.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integration_that_is_switched_off_keeps_its_deliveries_for_later() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let switch = |enabled| Change::SetEnabled {
        id: house.integration,
        enabled,
    };
    house
        .store
        .change(switch(false), &Actor::Local, house.now())
        .await
        .unwrap();
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100", "192.168.1.101"]).await;
    house.until_all(Standing::Parked).await;
    assert_eq!(house.target.received().len(), 0);
    house
        .store
        .change(switch(true), &Actor::Local, house.now())
        .await
        .unwrap();
    house.until_all(Standing::Delivered).await;
    dispatcher.stop(GRACE).await;
}

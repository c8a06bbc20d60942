//! What is cancelled while its owner has it in memory.

use std::time::Duration;

use delivery::DeadReason;
use domain::DeliveryId;
use domain::access::{Actor, Scope};
use domain::event_set::NotifyBy;
use serde_json::json;
use store::{Cancel, Standing};
use testkit::Answer;

use crate::house::House;

const GRACE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_begins_after_a_cancel_and_what_is_in_flight_is_told_as_it_ends() {
    let house = House::new(json!({"concurrency": 1}), NotifyBy::Event).await;
    house.target.then(Answer::ok().hanging());
    let dispatcher = house.dispatch();
    // One is in flight, the others are queued behind it.
    house.raise_many(house.company, 1, 20).await;
    let in_flight = house.target.requests(1).await;
    let in_flight = in_flight[0].header("webhook-id").unwrap().to_owned();
    let ids: Vec<DeliveryId> = house.deliveries().await.iter().map(|row| row.id).collect();
    let told = house
        .store
        .cancel(&Scope::All, &ids, house.now(), &Actor::Local)
        .await;
    assert_eq!(told.unwrap(), [Cancel::Done; 20]);
    house.target.let_go();
    let later = house.another_company("Later").await;
    house.raise_many(later, 2, 1).await;
    house.until(house.integration, Standing::Delivered, 2).await;
    assert_eq!(house.target.received().len(), 2);
    let rows = house.deliveries().await;
    let mut delivered = rows
        .iter()
        .filter(|row| row.standing == Standing::Delivered);
    assert!(delivered.any(|row| row.id.to_string() == in_flight));
    let cancelled = Some(DeadReason::Cancelled.as_str());
    let dead = rows.iter().filter(|row| row.reason.as_deref() == cancelled);
    assert_eq!(dead.count(), 19);
    dispatcher.stop(GRACE).await;
}

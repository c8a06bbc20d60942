//! Nobody stands in another's way: companies of one integration, integrations of one node (reliability.md, F7 and F12).

use std::time::Duration;

use alertwire_dispatch::Settings;
use domain::event_set::NotifyBy;
use serde_json::json;
use store::Standing;
use testkit::{Answer, Received, Target};

use crate::house::House;

const GRACE: Duration = Duration::from_secs(20);
/// More than an owner holds in memory, even beside what it holds of others.
const FLOOD: usize = 1_500;

/// At which place the first alert with an address of this net arrived.
fn place(received: &[Received], net: u8) -> Option<usize> {
    let address = format!(" 10.{net}.");
    received
        .iter()
        .position(|request| request.text().contains(&address))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_one_company_does_not_delay_another() {
    let house = House::new(json!({"concurrency": 1}), NotifyBy::Event).await;
    let quiet = house.another_company("Contoso").await;
    house.raise_many(house.company, 1, FLOOD).await;
    house.raise_many(quiet, 2, 3).await;
    let dispatcher = house.dispatch();
    let received = house.target.requests(10).await;
    let place = place(&received, 2);
    assert!(place.is_some_and(|place| place < 3), "{place:?}");
    house
        .until(house.integration, Standing::Delivered, FLOOD + 3)
        .await;
    assert_eq!(house.target.received().len(), FLOOD + 3, "each once");
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_a_flood_is_under_way_is_not_put_behind_it() {
    let house = House::new(json!({"concurrency": 1}), NotifyBy::Event).await;
    let quiet = house.another_company("Contoso").await;
    house.target.then(Answer::ok().hanging());
    let dispatcher = house.dispatch();
    house.raise_many(house.company, 1, FLOOD).await;
    house.target.requests(1).await;
    house.raise_many(quiet, 2, 1).await;
    // The owner has looked behind the flood already, and looks again when some time has passed.
    house.clock.advance(Duration::from_secs(1));
    house.target.let_go();
    house
        .until(house.integration, Standing::Delivered, FLOOD + 1)
        .await;
    let place = place(&house.target.received(), 2);
    assert!(place.is_some_and(|place| place < FLOOD / 2), "{place:?}");
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_hangs_delays_nobody_else() {
    let house = House::new(json!({"timeout": "120s"}), NotifyBy::Event).await;
    house.target.answer(Answer::ok().hanging());
    let healthy = Target::start().await;
    let other = house.another(&healthy.url("/"), json!({})).await;
    let dispatcher = house.dispatch();
    for net in 1..=5 {
        house.raise_many(house.company, net, 20).await;
    }
    house.until(other, Standing::Delivered, 100).await;
    assert_eq!(healthy.received().len(), 100);
    let hung = house.target.requests(8).await;
    assert_eq!(hung.len(), 8, "as many as its concurrency");
    house.target.let_go();
    house
        .until(house.integration, Standing::Delivered, 100)
        .await;
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung_targets_that_want_every_connection_leave_the_others_theirs() {
    let greedy = || json!({"timeout": "120s", "concurrency": 64});
    let house = House::new(greedy(), NotifyBy::Event).await;
    house.target.answer(Answer::ok().hanging());
    let mut hung = vec![house.integration];
    for number in 0..3 {
        let url = house.target.url(&format!("/{number}"));
        hung.push(house.another(&url, greedy()).await);
    }
    let dispatcher = house.dispatch_by(
        egress::Settings::default(),
        Settings {
            in_flight: 32,
            ..Settings::default()
        },
    );
    house.raise_many(house.company, 1, 50).await;
    // Each of them has its first place at least, and all of them together not all places.
    house.target.requests(4).await;
    let healthy = Target::start().await;
    let other = house.another(&healthy.url("/"), json!({})).await;
    house.raise_many(house.company, 2, 50).await;
    house.until(other, Standing::Delivered, 50).await;
    assert!(house.target.received().len() < 32);
    house.target.let_go();
    for integration in hung {
        house.until(integration, Standing::Delivered, 100).await;
    }
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_finds_no_connection_is_called_when_one_is_free() {
    let house = House::new(json!({"timeout": "120s"}), NotifyBy::Event).await;
    house.target.answer(Answer::ok().hanging());
    let healthy = Target::start().await;
    let mut others = Vec::new();
    for number in 0..6 {
        let url = healthy.url(&format!("/{number}"));
        others.push(house.another(&url, json!({})).await);
    }
    let dispatcher = house.dispatch_by(
        egress::Settings::default(),
        Settings {
            in_flight: 1,
            ..Settings::default()
        },
    );
    house.raise_many(house.company, 1, 5).await;
    house.target.requests(1).await;
    house.target.let_go();
    for other in others {
        house.until(other, Standing::Delivered, 5).await;
    }
    house.until(house.integration, Standing::Delivered, 5).await;
    dispatcher.stop(GRACE).await;
}

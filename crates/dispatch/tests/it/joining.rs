use std::time::Duration;

use domain::catalogue::{Catalogue, Limits};
use domain::event_set::NotifyBy;
use serde_json::json;
use store::Standing;

use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_one_window_go_out_as_one_alert_that_reads_back_into_all_of_them() {
    let house = House::new(json!({"group_window": "60s"}), NotifyBy::Company).await;
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.1"]).await;
    house.raise(&["192.168.1.2", "192.168.1.3"]).await;
    assert_eq!(house.deliveries().await.len(), 1);
    assert_eq!(house.target.received().len(), 0);
    house.clock.advance(Duration::from_secs(60));
    let request = house.target.requests(1).await.remove(0);
    let catalogue = Catalogue::builtin();
    let limits = Limits::default();
    let reading = catalogue.read(&request.body, &limits);
    let read: Vec<_> = reading.alerts[0]
        .records
        .iter()
        .map(|record| record.text("ip").unwrap().to_owned())
        .collect();
    assert_eq!(read, ["192.168.1.1", "192.168.1.2", "192.168.1.3"]);
    let row = house.until_all(Standing::Delivered).await.remove(0);
    assert_eq!(row.events.len(), 3);
    dispatcher.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_asset_different_assets_go_alone() {
    let house = House::new(json!({"group_window": "60s"}), NotifyBy::Asset).await;
    house
        .raise(&["192.168.1.1", "192.168.1.2", "192.168.1.1"])
        .await;
    let mut events: Vec<_> = house
        .deliveries()
        .await
        .iter()
        .map(|row| row.events.len())
        .collect();
    events.sort_unstable();
    assert_eq!(events, [1, 2]);
}

use std::time::Duration;

use domain::catalogue::{Catalogue, Limits, Record};
use domain::event_set::NotifyBy;
use serde_json::json;
use store::Standing;
use testkit::Received;

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

/// What a request says of each problem, by the catalogue.
fn problems(request: &Received) -> Vec<(String, String, String)> {
    let (catalogue, limits) = (Catalogue::builtin(), Limits::default());
    let reading = catalogue.read(&request.body, &limits);
    let records = reading.alerts[0].records.iter();
    let text = |record: &Record, field| record.text(field).unwrap().to_owned();
    records
        .map(|record| {
            (
                text(record, "product"),
                text(record, "vul_id"),
                text(record, "ip"),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_product_each_product_has_its_alerts_and_the_counts_add_up() {
    let house = House::new(json!({"group_window": "60s"}), NotifyBy::Product).await;
    let dispatcher = house.dispatch();
    let mut raised = Vec::new();
    // More of the first product than one alert carries.
    for (product, count) in [("Apache HTTP Server", 60), ("OpenSSL", 3), ("nginx", 1)] {
        for number in 0..count {
            let (id, ip) = (
                format!("CVE-2024-{}", 1_000 + number),
                format!("10.0.0.{number}"),
            );
            let fields = [
                ("ip", ip.as_str()),
                ("product", product),
                ("vul_id", id.as_str()),
                ("severity", "high"),
            ];
            house.raise_fields("problem.high", &fields).await;
            raised.push((product.to_owned(), id, ip));
        }
    }
    assert_eq!(house.deliveries().await.len(), 4);
    assert_eq!(house.target.received().len(), 0);
    house.clock.advance(Duration::from_secs(60));
    let alerts: Vec<_> = house
        .target
        .requests(4)
        .await
        .iter()
        .map(problems)
        .collect();
    for alert in &alerts {
        assert!(alert.iter().all(|(product, ..)| *product == alert[0].0));
    }
    let mut arrived = alerts.concat();
    arrived.sort();
    raised.sort();
    assert_eq!(arrived, raised);
    let rows = house.until_all(Standing::Delivered).await;
    let joined: usize = rows.iter().map(|row| row.events.len()).sum();
    assert_eq!(joined, raised.len());
    dispatcher.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_critical_event_waits_for_its_window_unless_its_set_lets_it_pass() {
    let house = House::new(json!({"group_window": "60s"}), NotifyBy::Company).await;
    let dispatcher = house.dispatch();
    let problem = async |kind: &str, severity: &str, ip: &str| {
        let fields = [
            ("ip", ip),
            ("company", "Acme Corporation"),
            ("product", "nginx"),
            ("vul_id", "CVE-2021-44228"),
            ("severity", severity),
        ];
        house.raise_fields(kind, &fields).await;
    };
    problem("problem.critical", "critical", "10.0.0.1").await;
    assert!(!house.deliveries().await[0].sealed, "it waits");
    house.let_critical_ones_pass().await;
    problem("problem.high", "high", "10.0.0.2").await;
    problem("problem.critical", "critical", "10.0.0.3").await;
    let first = house.target.requests(1).await.remove(0);
    assert_eq!(problems(&first)[0].2, "10.0.0.3");
    house.clock.advance(Duration::from_secs(60));
    house.target.requests(3).await;
    house.until_all(Standing::Delivered).await;
    dispatcher.stop(Duration::from_secs(20)).await;
}

//! After an outage: nothing is lost, nothing is stuck, nothing comes as a burst (reliability.md, F9, F10, F16).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use delivery::{Gate, HoldReason};
use domain::Timestamp;
use domain::event_set::NotifyBy;
use serde_json::json;
use store::{Change, Standing};
use testkit::{Answer, Received};

use crate::house::House;

const GRACE: Duration = Duration::from_secs(20);
/// Looks after which what has not arrived never will.
const LOOKS: usize = 5_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// A target that fails while it is down.
fn switch(house: &House) -> Arc<AtomicBool> {
    let up = Arc::new(AtomicBool::new(false));
    let known = Arc::clone(&up);
    house.target.answer(Answer::decided(move |_| {
        if known.load(Ordering::SeqCst) {
            Answer::ok()
        } else {
            Answer::status(503)
        }
    }));
    up
}

/// How many different alerts are among these.
fn different(received: &[Received]) -> usize {
    let ids: std::collections::HashSet<_> = received
        .iter()
        .filter_map(|request| request.header("webhook-id"))
        .collect();
    ids.len()
}

async fn rests(house: &House) -> Timestamp {
    let resting = house.until_gate(|gate| gate.as_str() == "resting").await;
    match resting {
        Gate::Resting { until, .. } => until,
        other => panic!("{other:?}"),
    }
}

/// A hundred alerts of an hour: what is normal is fewer than five a second, so five a second is the pace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_503_loses_nothing_and_what_piled_up_comes_back_ramped() {
    let house = House::new(json!({"schedule": ["0s", "12h", "12h"]}), NotifyBy::Event).await;
    let up = switch(&house);
    let dispatcher = house.dispatch();
    house.raise_many(house.company, 1, 100).await;
    let until = rests(&house).await;
    let tried = house.target.received().len();
    assert!(
        (10..10 + 8).contains(&tried),
        "{tried}: the rest spares the receiver"
    );
    up.store(true, Ordering::SeqCst);
    house.clock.set(until.max(house.now().after(HOUR)));
    let back = house.now();
    // The probe, then the first of the ramp.
    let mut arrived = house.target.requests(tried + 2).await.len() - tried;
    while arrived < 100 {
        let passed = house.now().since(back).as_secs_f64();
        assert!(
            arrived as f64 <= 2.0 + 5.0 * passed,
            "{arrived} after {passed} s"
        );
        house.clock.advance(Duration::from_secs(2));
        arrived = house.target.requests(tried + arrived + 1).await.len() - tried;
    }
    house
        .until(house.integration, Standing::Delivered, 100)
        .await;
    let received = house.target.received();
    assert_eq!(
        (received.len(), different(&received)),
        (tried + 100, 100),
        "retries of twelve hours were pulled forward, and each came once"
    );
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_flaps_never_leaves_its_gate_shut() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let up = switch(&house);
    let dispatcher = house.dispatch();
    let mut raised = 0;
    for cycle in 1..=6 {
        up.store(false, Ordering::SeqCst);
        house.raise_many(house.company, cycle, 15).await;
        raised += 15;
        let until = rests(&house).await;
        up.store(true, Ordering::SeqCst);
        house.clock.set(until.max(house.now()));
        house.until_gate(|gate| *gate == Gate::default()).await;
        // What waits is pulled forward within the next minute or two.
        while !house.all_delivered(raised).await {
            house.clock.advance(Duration::from_secs(10));
            house.look_again().await;
        }
    }
    assert_eq!(different(&house.target.received()), raised);
    assert_eq!(house.until_gate(|_| true).await, Gate::default());
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_person_opens_the_gate_waiting_retries_are_not_kept_waiting() {
    let house = House::new(
        json!({"schedule": ["0s", "24h"], "concurrency": 1}),
        NotifyBy::Event,
    )
    .await;
    house.target.then(Answer::status(503));
    house.target.then(Answer::status(410));
    let dispatcher = house.dispatch();
    house.raise_many(house.company, 1, 2).await;
    house
        .until_gate(|gate| gate.held() == Some(HoldReason::Gone))
        .await;
    house.until(house.integration, Standing::Dead, 1).await;
    // Held, so parked; and due only tomorrow.
    house.until(house.integration, Standing::Parked, 1).await;
    house
        .change(Change::ReleaseGate {
            id: house.integration,
        })
        .await;
    house.until(house.integration, Standing::Delivered, 1).await;
    assert_eq!(
        house.until_gate(|gate| *gate == Gate::default()).await,
        Gate::default()
    );
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_person_switches_on_again_waiting_retries_are_not_kept_waiting() {
    let house = House::new(json!({"schedule": ["0s", "24h"]}), NotifyBy::Event).await;
    house.target.then(Answer::status(503));
    let dispatcher = house.dispatch();
    house.raise_many(house.company, 1, 1).await;
    house.tried(house.integration, 1).await;
    for enabled in [false, true] {
        house
            .change(Change::SetEnabled {
                id: house.integration,
                enabled,
            })
            .await;
    }
    house.until(house.integration, Standing::Delivered, 1).await;
    dispatcher.stop(GRACE).await;
}

/// While it runs the scheduler's clock is monotonic; a step of the wall clock shows at the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_stepped_loses_nothing_and_stalls_nothing() {
    for step in ["+1h", "-1h", "-10y"] {
        let house = House::new(json!({"schedule": ["0s", "5s", "5s"]}), NotifyBy::Event).await;
        let up = switch(&house);
        let dispatcher = house.dispatch();
        house.raise_many(house.company, 1, 5).await;
        house.tried(house.integration, 1).await;
        dispatcher.stop(GRACE).await;
        let now = house.now();
        house.clock.set(match step {
            "+1h" => now.after(HOUR),
            "-1h" => now.before(HOUR),
            _ => now.before(10 * 365 * 24 * HOUR),
        });
        up.store(true, Ordering::SeqCst);
        let dispatcher = house.dispatch();
        house.raise_many(house.company, 2, 5).await;
        // By the stepped clock these are seconds, not the hour or the years that it went back.
        for _ in 0..LOOKS {
            if house.all_delivered(10).await {
                break;
            }
            house.clock.advance(Duration::from_millis(50));
            house.look_again().await;
        }
        assert!(house.all_delivered(10).await, "{step}");
        assert_eq!(different(&house.target.received()), 10);
        dispatcher.stop(GRACE).await;
    }
}

/// A new owner looks for what was made by a clock that was ahead of the one there is now; this one still is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wall_clock_that_jumps_ahead_shortens_no_wait() {
    let house = House::new(json!({"schedule": ["0s", "2h"]}), NotifyBy::Event).await;
    house.target.then(Answer::status(503));
    house
        .wall_ahead
        .store(3_600, std::sync::atomic::Ordering::SeqCst);
    let dispatcher = house.dispatch();
    house.raise(&["192.168.1.100"]).await;
    house.target.requests(1).await;
    while house.deliveries().await[0].attempts == 0 {
        house.look_again().await;
    }
    dispatcher.stop(Duration::from_secs(20)).await;
    let dispatcher = house.dispatch();
    house.clock.advance(Duration::from_secs(60));
    house.raise(&["192.168.1.101"]).await;
    let requests = house.target.requests(2).await;
    assert!(requests[1].text().contains("192.168.1.101"), "{requests:?}");
    dispatcher.stop(Duration::from_secs(20)).await;
    assert_eq!(house.target.received().len(), 2);
}

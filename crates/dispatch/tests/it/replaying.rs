use std::collections::BTreeSet;
use std::time::Duration;

use delivery::replay::{Asked, JobState};
use domain::access::{Actor, Scope};
use domain::event::Routing;
use domain::event_set::NotifyBy;
use serde_json::json;
use store::{DeliveryQuery, Standing};
use testkit::Answer;

use crate::house::House;

const GRACE: Duration = Duration::from_secs(20);

/// Addresses enough for several steps of a slow job.
fn addresses(count: u8) -> Vec<String> {
    (0..count).map(|last| format!("192.168.1.{last}")).collect()
}

/// A house whose only attempts so far were all refused.
async fn all_dead(count: u8) -> House {
    let house = House::new(json!({"schedule": ["0s"]}), NotifyBy::Event).await;
    let addresses = addresses(count);
    addresses
        .iter()
        .for_each(|_| house.target.then(Answer::status(503)));
    let dispatcher = house.dispatch();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    house.raise(&addresses).await;
    house.until_all(Standing::Dead).await;
    dispatcher.stop(GRACE).await;
    house
}

fn dead() -> DeliveryQuery {
    DeliveryQuery {
        standing: Some(Standing::Dead),
        ..DeliveryQuery::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_go_again_under_their_ids_at_the_pace_of_the_job() {
    let house = all_dead(5).await;
    let first: BTreeSet<_> = house.target.received().iter().map(id_of).collect();
    let dispatcher = house.dispatch();
    let job = house.replay(&dead(), 2).await;
    let some = house.until_job(job, |job| job.progress.done > 0).await;
    assert_eq!(
        some.progress.done, 2,
        "two in a second, and this one is not over"
    );
    while house.job(job).await.state == JobState::Running {
        house.clock.advance(Duration::from_secs(1));
        let done = house.job(job).await.progress.done;
        house
            .until_job(job, |job| job.progress.done > done || job.state.has_ended())
            .await;
    }
    house.clock.advance(Duration::from_secs(1));
    house.until_all(Standing::Delivered).await;
    let again: BTreeSet<_> = house.target.received()[5..].iter().map(id_of).collect();
    assert_eq!(again, first);
    assert_eq!(house.target.received().len(), 10);
    dispatcher.stop(GRACE).await;
}

fn id_of(request: &testkit::Received) -> String {
    request.header("webhook-id").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_job_rests_and_goes_on_after_a_restart_without_doing_anything_twice() {
    let house = all_dead(6).await;
    let dispatcher = house.dispatch();
    let job = house.replay(&dead(), 2).await;
    house.until_job(job, |job| job.progress.done == 2).await;
    let steer = |asked| {
        house
            .store
            .steer_job(&Scope::All, job, asked, &Actor::Local, house.now())
    };
    steer(Asked::Pause).await.unwrap();
    house.clock.advance(Duration::from_secs(60));
    house.target.requests(8).await;
    dispatcher.stop(GRACE).await;
    assert_eq!(house.job(job).await.progress.done, 2);
    let dispatcher = house.dispatch();
    steer(Asked::Resume).await.unwrap();
    house.until_job(job, |job| job.progress.done == 4).await;
    house.clock.advance(Duration::from_secs(2));
    house
        .until_job(job, |job| job.state == JobState::Done)
        .await;
    house.clock.advance(Duration::from_secs(2));
    house.until_all(Standing::Delivered).await;
    assert_eq!(house.target.received().len(), 12);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_leaves_the_rest_alone() {
    let house = all_dead(4).await;
    let dispatcher = house.dispatch();
    let job = house.replay(&dead(), 1).await;
    house.until_job(job, |job| job.progress.done == 1).await;
    house
        .store
        .steer_job(&Scope::All, job, Asked::Cancel, &Actor::Local, house.now())
        .await
        .unwrap();
    house.clock.advance(Duration::from_secs(60));
    house.target.requests(5).await;
    dispatcher.stop(GRACE).await;
    let rows = house.deliveries().await;
    let dead = rows.iter().filter(|row| row.standing == Standing::Dead);
    assert_eq!(dead.count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unrouted_events_go_by_todays_rules_and_join_as_new_ones_would() {
    let house = House::new(json!({"group_window": "60s"}), NotifyBy::Company).await;
    house.map(false).await;
    house.raise(&["192.168.1.1"]).await;
    house.raise(&["192.168.1.2"]).await;
    assert!(house.deliveries().await.is_empty());
    let dispatcher = house.dispatch();
    let nothing = house.route_again().await;
    let ended = house.until_job(nothing, |job| job.state.has_ended()).await;
    assert_eq!((ended.progress.done, ended.progress.skipped), (0, 2));
    house.map(true).await;
    assert!(
        house.deliveries().await.is_empty(),
        "nothing is let go by itself"
    );
    let job = house.route_again().await;
    let ended = house.until_job(job, |job| job.state.has_ended()).await;
    assert_eq!((ended.state, ended.progress.done), (JobState::Done, 2));
    let row = house.deliveries().await.remove(0);
    assert_eq!(row.events.len(), 2, "both joined one alert");
    let event = house.store.event(&Scope::All, row.events[0]).await.unwrap();
    let event = event.unwrap();
    let epoch = house.store.configuration().await.unwrap().epoch;
    assert_eq!((event.routing, event.epoch), (Routing::Routed, epoch));
    house.clock.advance(Duration::from_secs(60));
    house.until_all(Standing::Delivered).await;
    assert_eq!(house.target.received().len(), 1);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_let_go_later_still_says_the_truth_of_what_was_made_readable() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let fields = [("user", "eve\nmallory"), ("service", "AzureAD")];
    house.map(false).await;
    house.raise_fields("entra.login_failure", &fields).await;
    house.map(true).await;
    let dispatcher = house.dispatch();
    house.raise_fields("entra.login_failure", &fields).await;
    house.route_again().await;
    let requests = house.target.requests(2).await;
    let fields = requests
        .iter()
        .map(|request| request.header("alertwire-fields"));
    let fields: Vec<_> = fields.collect();
    assert!(fields[0].is_some());
    assert_eq!(fields[0], fields[1]);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_integration_was_removed_fails_and_says_so() {
    let house = all_dead(2).await;
    let job = house.replay_to_nobody().await;
    let dispatcher = house.dispatch();
    let failed = house.until_job(job, |job| job.state.has_ended()).await;
    assert_eq!(failed.state, JobState::Failed);
    assert!(failed.error.unwrap().contains("removed"));
    house.until_all(Standing::Dead).await;
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_silence_muted_stays_while_it_holds_and_goes_when_it_is_over() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    house.map(false).await;
    house.raise(&["192.168.1.1"]).await;
    house.map(true).await;
    house.silence(Duration::from_secs(3_600)).await;
    house.raise(&["192.168.1.2"]).await;
    let dispatcher = house.dispatch();
    let job = house.route_again().await;
    let ended = house.until_job(job, |job| job.state.has_ended()).await;
    assert_eq!((ended.progress.done, ended.progress.skipped), (0, 2));
    house.clock.advance(Duration::from_secs(3_600));
    let job = house.route_again().await;
    let ended = house.until_job(job, |job| job.state.has_ended()).await;
    assert_eq!(ended.progress.done, 2);
    house.clock.advance(Duration::from_secs(1));
    for row in house.until_all(Standing::Delivered).await {
        let event = house.store.event(&Scope::All, row.events[0]).await.unwrap();
        let event = event.unwrap();
        assert_eq!((event.routing, event.silence), (Routing::Routed, None));
    }
    dispatcher.stop(GRACE).await;
}

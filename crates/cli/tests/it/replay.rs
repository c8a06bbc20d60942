//! Sending again: dead letters, to the end of a job over a kill, and what went nowhere.

use std::collections::HashMap;

use serde_json::{Value, json};
use testkit::{Answer, Received, Target};

use crate::support::{
    Api, Ended, KEY, Place, Server, alertwire, everything_to, numbered, run_with,
};

/// Alerts of each story; fewer than the failures in a row that a gate rests after.
const ALERTS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_of_a_target_that_was_down_go_again_when_it_is_back() {
    back_again(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_of_a_target_that_was_down_go_again_when_it_is_back_over_postgresql() {
    if let Some(place) = crate::whole_loop::postgres().await {
        back_again(place).await;
    }
}

/// `alertwire …` as an operator of this server types it.
fn command(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    run_with(command, b"")
}

/// The alerts that a target got, by their webhook-id, without the test alert; each with how often it came.
fn arrived(requests: &[Received]) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for request in requests {
        if request.header("alertwire-event") != Some("test") {
            let id = request.header("webhook-id").unwrap().to_owned();
            *times.entry(id).or_default() += 1;
        }
    }
    times
}

/// A server whose target refused every alert to the end.
async fn all_dead(place: &Place, target: &Target) -> (Server, Api) {
    let server = place.start();
    let api = server.api();
    let delivery = json!({"schedule": ["0s"], "concurrency": 1});
    everything_to(&api, &target.url("/hook"), delivery).await;
    target.answer(Answer::status(503));
    for number in 0..ALERTS {
        api.raise(numbered(number)).await;
    }
    api.until("api/v1/deliveries?status=dead&limit=1000", |page| {
        (page["items"].as_array().unwrap().len() == ALERTS).then_some(())
    })
    .await;
    (server, api)
}

async fn back_again(place: Place) {
    let target = Target::start().await;
    let (server, api) = all_dead(&place, &target).await;
    let dead = api.get("api/v1/dead-letters").await;
    let group = &dead["items"][0];
    assert_eq!(
        (
            &group["count"],
            &group["reason"],
            &group["cause"],
            &group["fault"]
        ),
        (
            &json!(ALERTS),
            &json!("exhausted"),
            &json!("http_5xx"),
            &json!("receiver")
        )
    );
    target.answer(Answer::ok());
    let before = target.received().len();
    let server = tokio::task::spawn_blocking(move || {
        let told = command(&server, &["deliveries", "dead"]);
        assert!(told.stdout.contains("http_5xx"), "{told:?}");
        let start = ["replay", "start", "--where", "status=dead"];
        let preview = command(&server, &[&start[..], &["--dry-run", "--json"]].concat());
        assert_eq!(preview.lines()[0]["retry"], json!(ALERTS), "{preview:?}");
        let flags = ["--rate", "1000", "--watch", "--json"];
        let ended = command(&server, &[&start[..], &flags].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(ended.lines()[0]["done"], json!(ALERTS));
        let nothing = command(&server, &["replay", "start"]);
        assert_eq!(nothing.code, 64, "{nothing:?}");
        server
    })
    .await
    .unwrap();
    api.settled().await;
    let again = arrived(&target.received()[before..]);
    assert_eq!(again.len(), ALERTS);
    let first = arrived(&target.received()[..before]);
    assert!(
        again.keys().all(|id| first.contains_key(id)),
        "under their own ids"
    );
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_goes_on_after_a_kill_and_does_nothing_twice() {
    goes_on(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_goes_on_after_a_kill_and_does_nothing_twice_on_postgresql() {
    if let Some(place) = crate::whole_loop::postgres().await {
        goes_on(place).await;
    }
}

/// Delivered alerts go again under new ids, so one that was begun twice would be seen.
async fn goes_on(place: Place) {
    let target = Target::start().await;
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    for number in 0..ALERTS {
        api.raise(numbered(number)).await;
    }
    api.settled().await;
    let body = json!({"filter": {"status": "delivered"}, "rate_per_second": 2});
    let begun = api.call("POST", "api/v1/replays", Some(body)).await;
    assert_eq!(begun.status, 202, "{}", begun.body);
    let path = format!("api/v1/replays/{}", begun.body["id"].as_str().unwrap());
    let is_under_way = |job: &Value| (job["done"].as_u64() >= Some(1)).then_some(());
    api.until(&path, is_under_way).await;
    server.kill().await;
    let server = place.start();
    let api = server.api();
    let job = api
        .until(&path, |job| (job["state"] == "done").then(|| job.clone()))
        .await;
    assert_eq!((&job["done"], &job["left"]), (&json!(ALERTS), &json!(0)));
    api.settled().await;
    let list = api.get("api/v1/deliveries?limit=1000").await;
    let items = list["items"].as_array().unwrap();
    let mut replayed: Vec<&str> = items
        .iter()
        .filter_map(|delivery| delivery["replay_of"].as_str())
        .collect();
    assert_eq!(replayed.len(), ALERTS);
    replayed.sort_unstable();
    replayed.dedup();
    assert_eq!(replayed.len(), ALERTS, "each went again once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_replay_rests_and_a_cancelled_one_leaves_the_rest() {
    let (place, target) = (Place::new(), Target::start().await);
    let (_server, api) = all_dead(&place, &target).await;
    target.answer(Answer::ok());
    let body = json!({"filter": {"status": "dead"}, "rate_per_second": 2});
    let begun = api.call("POST", "api/v1/replays", Some(body)).await;
    let path = format!("api/v1/replays/{}", begun.body["id"].as_str().unwrap());
    api.until(&path, |job| (job["done"].as_u64() >= Some(1)).then_some(()))
        .await;
    let order = |asked: &str| {
        let path = format!("{path}/{asked}");
        let api = api.clone();
        async move { api.call("POST", &path, Some(json!({}))).await }
    };
    let paused = order("pause").await;
    assert_eq!(
        (paused.status, &paused.body["state"]),
        (200, &json!("paused"))
    );
    assert!(paused.body["eta"].is_null());
    let resumed = order("resume").await;
    let done = resumed.body["done"].as_u64();
    assert_eq!(
        done,
        paused.body["done"].as_u64(),
        "nothing was done meanwhile"
    );
    api.until(&path, |job| (job["done"].as_u64() > done).then_some(()))
        .await;
    let cancelled = order("cancel").await;
    let left = cancelled.body["left"].as_u64().unwrap();
    assert!(left > 0, "{}", cancelled.body);
    api.settled().await;
    let dead = api.get("api/v1/deliveries?status=dead&limit=1000").await;
    assert_eq!(dead["items"].as_array().unwrap().len() as u64, left);
    assert_eq!(order("resume").await.status, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_nowhere_goes_by_todays_rules_once_a_mapping_is_there() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    let integration = everything_to(&api, &target.url("/hook"), json!({})).await;
    let company = api
        .made("api/v1/companies", json!({"name": "Globex"}))
        .await;
    let mut event = numbered(1);
    event["company"] = json!("Globex");
    let id = api.raise(event).await;
    let rules = api
        .get(&format!("api/v1/integrations/{integration}/rules"))
        .await;
    let mapping = json!({"rules": [rules["items"][0]["id"]], "create_webhook_alert": true});
    let path = format!("api/v1/integrations/{integration}/mappings/{company}");
    let mapped = api.call("PUT", &path, Some(mapping)).await;
    assert_eq!(mapped.status, 200, "{}", mapped.body);
    let event = api.get(&format!("api/v1/events/{id}")).await;
    assert_eq!(
        event["routing"], "unrouted",
        "a new mapping lets nothing go"
    );
    let server = tokio::task::spawn_blocking(move || {
        let start = ["replay", "start", "--unrouted", "company=Globex", "--json"];
        let preview = command(&server, &[&start[..], &["--dry-run"]].concat());
        assert_eq!(preview.lines()[0]["new"], 1, "{preview:?}");
        let all = command(
            &server,
            &["replay", "start", "--unrouted", "--watch", "--json"],
        );
        assert_eq!(all.code, 0, "{all:?}");
        assert_eq!(all.lines()[0]["done"], 1);
        let list = command(&server, &["replay", "list"]);
        assert!(list.stdout.contains("done"), "{list:?}");
        let id = all.lines()[0]["id"].as_str().unwrap().to_owned();
        let shown = command(&server, &["replay", "show", &id, "--watch"]);
        assert!(shown.code == 0 && shown.stdout.contains(&id), "{shown:?}");
        for asked in ["pause", "resume", "cancel"] {
            let refused = command(&server, &["replay", asked, &id]);
            assert_eq!(refused.code, 65, "it has ended: {refused:?}");
        }
        server
    })
    .await
    .unwrap();
    api.settled().await;
    let event = api.get(&format!("api/v1/events/{id}")).await;
    assert_eq!(event["routing"], "routed");
    assert_eq!(arrived(&target.received()).len(), 1);
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_integration_gets_the_same_bytes_once() {
    let (place, target) = (Place::new(), Target::start().await);
    let (_server, api) = all_dead(&place, &target).await;
    let archive = Target::start().await;
    let form = json!({"connector": "webhook", "name": "Archive", "credentials": {"webhook_url": archive.url("/hook")}});
    let to = api.made("api/v1/integrations", form).await;
    let body = json!({"filter": {"status": "dead"}, "to": to, "rate_per_second": 1000});
    for done in [ALERTS, 0] {
        let begun = api.call("POST", "api/v1/replays", Some(body.clone())).await;
        assert_eq!(begun.status, 202, "{}", begun.body);
        let path = format!("api/v1/replays/{}", begun.body["id"].as_str().unwrap());
        let job = api
            .until(&path, |job| (job["state"] == "done").then(|| job.clone()))
            .await;
        assert_eq!(job["done"], json!(done));
        api.settled().await;
    }
    assert_eq!(arrived(&archive.received()).len(), ALERTS);
    let repeats = |request: &&Received| request.header("alertwire-replay-of").is_some();
    assert_eq!(archive.received().iter().filter(repeats).count(), ALERTS);
    let dead = api.get("api/v1/dead-letters").await;
    assert_eq!(
        dead["items"][0]["count"],
        json!(ALERTS),
        "here they stay dead"
    );
}

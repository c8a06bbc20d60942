//! What must hold of delivering over HTTP alone, with faults at the targets and stops in mid-load (reliability.md).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use testkit::{Answer, Received, Target, Watched};

use crate::support::{Api, Place, everything_to, numbered};

/// Stops in mid-load.
const STOPS: usize = 5;
/// Events that are acked between two stops.
const ACKS: usize = 60;
const CLIENTS: usize = 4;

/// How often each alert arrived, by its `webhook-id`; test alerts are left out.
fn arrivals(received: &[Received]) -> HashMap<String, usize> {
    let mut arrivals = HashMap::new();
    for request in received
        .iter()
        .filter(|request| request.text().contains("New asset added with ip"))
    {
        let id = request.header("webhook-id").unwrap().to_owned();
        *arrivals.entry(id).or_default() += 1;
    }
    arrivals
}

#[tokio::test]
async fn a_target_that_answers_503_nine_times_gets_the_alert_at_the_tenth() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    let at_once = vec!["0s"; 10];
    everything_to(&api, &target.url("/hook"), json!({"schedule": at_once})).await;
    let before = target.received().len();
    (0..9).for_each(|_| target.then(Answer::status(503)));
    let id = api.raise(numbered(1)).await;
    let delivery = api
        .until(&format!("api/v1/deliveries?event={id}"), |page| {
            let item = &page["items"][0];
            (item["status"] == "delivered").then(|| item.clone())
        })
        .await;
    let received = target.received();
    assert_eq!(received.len() - before, 10);
    assert_eq!(
        arrivals(&received),
        HashMap::from([(delivery["id"].as_str().unwrap().to_owned(), 10)])
    );
    let causes: Vec<&Value> = delivery["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["status_code"])
        .collect();
    assert_eq!(causes[..9], [&json!(503); 9], "{delivery}");
    assert_eq!(causes[9], 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_again_and_again_under_load_it_loses_nothing_and_repeats_nothing_that_was_answered()
{
    let (place, target) = (Place::new(), Target::start().await);
    let (next, acked) = (Arc::new(AtomicUsize::new(0)), Watched::new(Vec::new()));
    for stop in 1..=STOPS {
        let server = place.start();
        if stop == 1 {
            everything_to(&server.api(), &target.url("/hook"), json!({})).await;
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| tokio::spawn(load(server.api(), Arc::clone(&next), acked.clone())))
            .collect();
        acked
            .until(|acked: &Vec<String>| (acked.len() >= stop * ACKS).then_some(()))
            .await;
        server.signal("TERM");
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(server.ended().await.code(), Some(0), "stop {stop}");
    }
    let server = place.start();
    server.api().settled().await;
    let arrivals = arrivals(&target.received());
    let events = server.api().get("api/v1/events?limit=1").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    for id in acked.see(Vec::clone) {
        let page = server
            .api()
            .get(&format!("api/v1/deliveries?event={id}"))
            .await;
        let delivery = page["items"][0]["id"].as_str().unwrap();
        assert_eq!(arrivals.get(delivery), Some(&1), "event {id}");
    }
    assert!(
        arrivals.values().all(|times| *times == 1),
        "each answer was received and is on record"
    );
}

/// Posts until there is no answer; keeps the ids of what was acked.
async fn load(api: Api, next: Arc<AtomicUsize>, acked: Watched<Vec<String>>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(answer) = api
            .try_call("POST", "api/v1/events", Some(numbered(number)))
            .await
        else {
            return;
        };
        if answer.status == 202 {
            let id = answer.body["items"][0]["id"].as_str().unwrap().to_owned();
            acked.change(|acked| acked.push(id));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_hangs_leaves_the_others_what_they_had() {
    let (place, target, hung) = (
        Place::new().with("ALERTWIRE_EGRESS__CONNECTIONS", "32"),
        Target::start().await,
        Target::start().await,
    );
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    let integrations = api.get("api/v1/integrations").await;
    let first = &integrations["items"][0];
    let rules = api
        .get(&format!(
            "api/v1/integrations/{}/rules",
            first["id"].as_str().unwrap()
        ))
        .await;
    let set = rules["items"][0]["event_set_id"].clone();
    let integration = api
        .made(
            "api/v1/integrations",
            json!({
                "connector": "webhook", "name": "Hung", "companies": [],
                "delivery": {"concurrency": 64, "timeout": "120s"},
                "credentials": {"webhook_url": hung.url("/hook")},
            }),
        )
        .await;
    let path = format!("api/v1/integrations/{integration}");
    let companies = api.get("api/v1/companies").await;
    let company = companies["items"][0]["id"].as_str().unwrap();
    let rule = json!({"name": "All", "event_set_id": set});
    let rule = api.made(&format!("{path}/rules"), rule).await;
    let mapping = json!({"rules": [rule], "create_webhook_alert": true});
    let answer = api
        .call("PUT", &format!("{path}/mappings/{company}"), Some(mapping))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    hung.answer(Answer::ok().hanging());
    for number in 0..100 {
        api.raise(numbered(number)).await;
    }
    // The one that hangs has its share of the 32 connections, and the other all its alerts.
    let pending = format!(
        "api/v1/deliveries?status=pending&integration={}&limit=1",
        first["id"].as_str().unwrap()
    );
    api.until(&pending, |page| {
        page["items"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    assert_eq!(arrivals(&target.received()).len(), 100);
    assert!(arrivals(&hung.received()).len() < 32);
    hung.let_go();
    api.settled().await;
    assert_eq!(arrivals(&hung.received()).len(), 100);
}

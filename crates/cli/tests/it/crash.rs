//! kill -9 in the middle of a load.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::{Target, Watched};

use crate::support::{Api, Place, everything_to, numbered};

/// What a crash may repeat of one integration (docs/reliability.md): the default concurrency, and what may be unsettled.
const REPEATED: usize = 8 + 1_024;
/// Clients at once, and acks after which the server is killed.
const CLIENTS: usize = 8;
const ACKS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acked_event_is_lost() {
    killed(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acked_event_is_lost_on_postgresql() {
    let Some(place) = crate::whole_loop::postgres().await else {
        return;
    };
    killed(place).await;
}

async fn killed(place: Place) {
    let target = Target::start().await;
    let server = place.start();
    everything_to(&server.api(), &target.url("/hook"), json!({})).await;
    let acked = Arc::new(Mutex::new(Vec::new()));
    let count = Arc::new(Watched::new(0));
    let next = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            tokio::spawn(load(
                server.api(),
                next.clone(),
                acked.clone(),
                count.clone(),
            ))
        })
        .collect();
    count.until(|count| (*count >= ACKS).then_some(())).await;
    server.kill().await;
    for client in clients {
        client.await.unwrap();
    }
    let server = place.start();
    server.api().settled().await;
    let received = target.received();
    let ids: HashSet<_> = received
        .iter()
        .map(|request| request.header("webhook-id").unwrap())
        .collect();
    assert!(received.len() - ids.len() <= REPEATED);
    let arrived: HashSet<String> = received
        .iter()
        .map(|request| {
            serde_json::from_str::<Value>(request.text()).unwrap()["body"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let acked = acked.lock().unwrap().clone();
    for (number, id) in acked {
        let ip = numbered(number)["fields"]["ip"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            arrived.contains(&format!("New asset added with ip {ip}")),
            "the acked event {id} ({ip}) never arrived"
        );
    }
}

/// Posts until there is no answer; keeps what was acked.
async fn load(
    api: Api,
    next: Arc<AtomicUsize>,
    acked: Arc<Mutex<Vec<(usize, String)>>>,
    count: Arc<Watched<usize>>,
) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(answer) = api
            .try_call("POST", "api/v1/events", Some(numbered(number)))
            .await
        else {
            return;
        };
        if answer.status == 202 {
            acked
                .lock()
                .unwrap()
                .push((number, answer.body["items"][0]["id"].to_string()));
            count.change(|count| *count += 1);
        }
    }
}

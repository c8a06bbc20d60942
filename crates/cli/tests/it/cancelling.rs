//! Giving up what waits: by id and by filter, and taking it back.

use serde_json::json;
use testkit::{Answer, Target};

use crate::support::{KEY, Place, alertwire, everything_to, numbered, run_with};

const ALERTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_given_up_and_never_sent_until_it_is_taken_back() {
    given_up(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_given_up_and_never_sent_until_it_is_taken_back_over_postgresql() {
    if let Some(place) = crate::whole_loop::postgres().await {
        given_up(place).await;
    }
}

async fn given_up(place: Place) {
    let target = Target::start().await;
    let server = place.start();
    let api = server.api();
    let delivery = json!({"schedule": ["0s", "24h"]});
    everything_to(&api, &target.url("/hook"), delivery).await;
    target.answer(Answer::status(503));
    for number in 0..ALERTS {
        api.raise(numbered(number)).await;
    }
    let list = "api/v1/deliveries?status=pending&failing=true";
    let ids: Vec<String> = api
        .until(list, |page| {
            let items = page["items"].as_array().unwrap();
            let ids = items.iter().map(|item| item["id"].as_str().unwrap());
            (items.len() == ALERTS).then(|| ids.map(str::to_owned).collect())
        })
        .await;
    target.answer(Answer::ok());
    let before = target.received().len();
    let (first, url) = (ids[0].clone(), server.url.clone());
    let told = tokio::task::spawn_blocking(move || {
        let command = |arguments: &[&str]| {
            let mut command = alertwire(arguments);
            command
                .env("ALERTWIRE_URL", &url)
                .env("ALERTWIRE_API_KEY", KEY);
            run_with(command, b"")
        };
        let cancel = ["deliveries", "cancel"];
        let by_filter = [&cancel[..], &["--where", "failing=true"]].concat();
        let would = command(&[&by_filter[..], &["--dry-run", "--json"]].concat());
        assert_eq!(would.lines()[0]["count"], json!(ALERTS), "{would:?}");
        let one = command(&[&cancel[..], &[&first]].concat());
        assert_eq!(
            (one.code, one.stdout.trim()),
            (0, &*format!("{first} dead"))
        );
        let all = command(&by_filter);
        assert!(all.stdout.contains(&(ALERTS - 1).to_string()), "{all:?}");
        assert!(all.stderr.contains("3 cancelled"), "{all:?}");
        let nothing = command(&cancel);
        assert_eq!(nothing.code, 64, "{nothing:?}");
        command(&["deliveries", "retry", &first])
    })
    .await
    .unwrap();
    assert_eq!(told.code, 0, "{told:?}");
    api.until("api/v1/deliveries?status=delivered", |page| {
        (page["items"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let cancelled = api.get("api/v1/deliveries?reason=cancelled").await;
    assert_eq!(cancelled["items"].as_array().unwrap().len(), ALERTS - 1);
    let after = &target.received()[before..];
    let got: Vec<_> = after.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(got, [Some(&*ids[0])]);
    drop(server);
}

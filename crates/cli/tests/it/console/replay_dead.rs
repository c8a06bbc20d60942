//! Dead letters of a receiver that was down go again from the console, until they are delivered.

use serde_json::json;
use testkit::{Answer, Browser, Target};

use super::{PASSWORD, sign_in};
use crate::support::{Place, everything_to, numbered};

/// Fewer than the failures in a row that a gate rests after.
const ALERTS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_replayed_from_the_console_until_they_are_delivered() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({"schedule": ["0s"]})).await;
    target.answer(Answer::status(503));
    for number in 0..ALERTS {
        api.raise(numbered(number)).await;
    }
    api.until("api/v1/deliveries?status=dead", |page| {
        (page["items"].as_array()?.len() == ALERTS).then_some(())
    })
    .await;
    let user = json!({"name": "oscar", "role": "operator", "password": PASSWORD});
    api.made("api/v1/users", user).await;
    target.answer(Answer::ok());

    let browser = Browser::start().await;
    let page = browser.page(&server.url).await;
    sign_in(&page, "oscar").await;
    page.open("/deliveries?status=dead").await;
    page.follow("link", "Replay all that match").await;
    page.says(&format!("{ALERTS} deliveries fit")).await;
    page.says("By integration and cause").await;
    page.follow("button", &format!("Replay {ALERTS}")).await;
    // The page looks again by itself until the job has ended, and says the same after a reload.
    page.says("Left 0").await;
    api.settled().await;
    page.open("/deliveries?status=dead").await;
    page.says("No delivery fits").await;
    page.open("/deliveries?status=delivered").await;
    let rows = page.evaluate("document.querySelectorAll('a.row').length");
    assert_eq!(rows.await, ALERTS);
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

//! The list of deliveries while things happen: a line says how many are new, and a list that is followed changes by itself.

use serde_json::json;
use testkit::browser::Page;
use testkit::{Answer, Browser, Target};

use super::{PASSWORD, sign_in};
use crate::support::{Place, everything_to, numbered};

/// How many rows the list shows.
async fn rows(page: &Page) -> serde_json::Value {
    page.evaluate("document.querySelectorAll('a.row').length")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_deliveries_are_counted_and_followed_while_they_change() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    let url = target.url("/hook");
    everything_to(&api, &url, json!({"schedule": ["0s", "1h"]})).await;
    target.answer(Answer::status(503));
    let user = json!({"name": "oscar", "role": "operator", "password": PASSWORD});
    api.made("api/v1/users", user).await;
    api.raise(numbered(1)).await;

    let browser = Browser::start().await;
    let page = browser.page(&server.url).await;
    sign_in(&page, "oscar").await;
    page.open("/deliveries").await;
    assert_eq!(rows(&page).await, 1);
    api.raise(numbered(2)).await;
    page.see("link", "1 new delivery: show it").await;
    assert_eq!(rows(&page).await, 1, "nothing moves by itself");
    page.follow("link", "1 new delivery: show it").await;
    assert_eq!(rows(&page).await, 2);

    page.follow("link", "Follow live").await;
    assert_eq!(page.path().await, "/deliveries?live=1");
    let event = api.raise(numbered(3)).await;
    page.says("new or ha").await;
    let path = format!("api/v1/deliveries?event={event}&code=503");
    let delivery = api
        .until(&path, |page| {
            page["items"][0]["id"].as_str().map(str::to_owned)
        })
        .await;
    assert_eq!(rows(&page).await, 3);
    target.answer(Answer::ok());
    let retry = format!("api/v1/deliveries/{delivery}/retry");
    api.call("POST", &retry, Some(json!({}))).await;
    page.says("✓ delivered").await;
    assert_eq!(rows(&page).await, 3, "it changes where it stands");
    let top = page.evaluate("document.querySelector('tbody a.row').pathname");
    assert_eq!(top.await, format!("/deliveries/{delivery}"));
    page.follow("link", "Stop following").await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());

    page.without_script().await;
    page.open("/deliveries").await;
    assert_eq!(rows(&page).await, 3);
    assert!(!page.has("link", "Follow live").await);
}

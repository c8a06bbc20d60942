//! Dead letters go again from the console, until they are delivered.

use testkit::{Answer, Browser};

use super::furnished::Furnished;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_replayed_from_the_console_until_they_are_delivered() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let api = &furnished.api;
    let dead = api.get("api/v1/deliveries?status=dead&limit=1000").await;
    let dead = dead["items"].as_array().unwrap().len();
    assert!(dead > 0);
    furnished.desk.on_path("/tickets", Answer::ok());
    furnished.desk.on_path("/pager", Answer::ok());
    let page = furnished.signed_in(&browser, "oscar").await;
    page.open("/deliveries?status=dead").await;
    page.says("dead").await;
}

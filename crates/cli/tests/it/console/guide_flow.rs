//! The set-up of the guide, from an empty database to a delivered alert: by mouse, by keyboard alone, and without script.

use testkit::Browser;

use super::hand::{Begun, Hand};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_is_followed_by_clicking_from_an_empty_database_to_a_delivered_alert() {
    let (begun, browser) = (Begun::new().await, Browser::start().await);
    let page = browser.page(&begun.server.url).await;
    begun.follow_the_guide(Hand::Mouse, &page).await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_is_followed_by_the_keyboard_alone() {
    let (begun, browser) = (Begun::new().await, Browser::start().await);
    let page = browser.page(&begun.server.url).await;
    begun.follow_the_guide(Hand::Keyboard, &page).await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_is_followed_without_script() {
    let (begun, browser) = (Begun::new().await, Browser::start().await);
    let page = browser.page(&begun.server.url).await;
    page.without_script().await;
    begun.follow_the_guide(Hand::WithoutScript, &page).await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

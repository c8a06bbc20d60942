//! The receiver is gone when somebody taps Finish: the error of the guide, its cause, and the page about whitelisting.

use testkit::{Browser, Target};

use super::furnished::{ACME, ADMIN, Furnished};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finish_says_why_it_cannot_send_and_works_when_the_receiver_is_back() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let target = Target::start().await;
    let (address, url) = (target.address(), target.url("/hook"));
    let id = furnished.webhook("Gone soon", &url, &[ACME]).await;
    let set = furnished
        .set("Assets", "event", &["system.asset_added"])
        .await;
    furnished.mapped(&id, ACME, "Assets", &set).await;
    drop(target);
    let page = furnished.signed_in(&browser, ADMIN).await;
    let of = |tab: &str| format!("/settings/integrations/webhook/{id}/{tab}");
    assert_eq!(page.open(&of("mappings")).await, 200);
    page.follow("button", "Finish").await;
    page.says(&format!("Error Sending Request for URL {url}"))
        .await;
    page.says("the connection was refused").await;
    page.says("marked Incomplete; nothing is lost").await;
    page.follow("link", "Review the Whitelisting page").await;
    page.see("heading", "Whitelisting").await;
    page.says("User-Agent alertwire/").await;

    // Back again, the credentials authenticate and the set-up goes on where it was.
    let target = Target::start_at(address).await;
    page.open(&of("credentials")).await;
    page.follow("button", "Test").await;
    page.see("link", "Company Mapping").await;
    page.open(&of("mappings")).await;
    page.says("Selected Companies").await;
    drop(target);
    page.follow("button", "Finish").await;
    page.says("Error Sending Request for URL").await;
    let _back = Target::start_at(address).await;
    page.follow("button", "Test again").await;
    page.says("The set-up is complete").await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

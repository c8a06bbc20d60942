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
    let path = format!("/settings/integrations/webhook/{id}/mappings");
    assert_eq!(page.open(&path).await, 200);
    page.follow("button", "Finish").await;
    page.says(&format!("Error Sending Request for URL {url}"))
        .await;
    page.says("marked Incomplete; nothing is lost").await;
    let cause = page.text().await;
    assert!(cause.contains("refused"), "{cause}");
    page.follow("link", "Review the Whitelisting page").await;
    page.see("heading", "Whitelisting").await;
    page.says("User-Agent alertwire/").await;
    page.open("/settings/integrations/webhook").await;
    page.says("Gone soon").await;
    let _back = Target::start_at(address).await;
    page.open(&format!("/settings/integrations/webhook/{id}/finish"))
        .await;
    page.follow("button", "Finish").await;
    page.says("The set-up is complete").await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

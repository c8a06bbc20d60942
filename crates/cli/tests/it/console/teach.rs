//! A wording that nobody knows is taught from the page of an event that came in it.

use testkit::Browser;

use super::furnished::{ADMIN, Furnished};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_wording_is_taught_from_the_page_of_an_event() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let is_unknown = |item: &serde_json::Value| item["subject"] == "Backup Failed";
    let event = furnished
        .first("events?match=none&limit=100", is_unknown)
        .await;
    let page = furnished.signed_in(&browser, ADMIN).await;
    let path = format!("/events/{event}");
    page.open(&path).await;
    page.follow("link", "Make a template from this").await;
    page.says("Backup Failed").await;
    let template = page
        .evaluate("document.getElementById('template').value")
        .await;
    assert_eq!(
        template,
        "Backup of {hostname:host} failed. Reason: {reason:text}"
    );
    page.fill("Code", "backup.failed").await;
    page.fill("Name", "Backup failed").await;
    page.fill("Category", "Backups").await;
    page.choose("Severity", "high").await;
    page.follow("button", "Try it on stored events").await;
    page.see("heading", "What it would do").await;
    page.says("Read in full at last 5").await;
    page.tick("Read the stored alerts with this subject again", true)
        .await;
    page.follow("button", "Teach it").await;
    let read = format!("api/v1/events/{event}/readings");
    let again = furnished.api.until(&read, |page| {
        page.to_string().contains("backup.failed").then_some(())
    });
    again.await;
    page.open(&path).await;
    page.says("backup.failed").await;
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

//! What somebody typed in Credentials is not lost: not by Test, and not when they have to sign in again meanwhile.

use serde_json::json;
use testkit::Browser;

use super::furnished::{ADMIN, Furnished};

const NAME: &str = "document.getElementById('name').value";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_survives_a_test_and_the_end_of_the_session() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let desk = furnished
        .first("integrations?limit=100", |it| it["name"] == "Service desk")
        .await;
    let page = furnished.signed_in(&browser, ADMIN).await;
    let path = format!("/settings/integrations/webhook/{desk}/credentials");
    page.open(&path).await;
    page.fill("Name", "Desk of the service").await;
    page.follow("button", "Test").await;
    page.says("Saved and authenticated").await;
    assert_eq!(page.evaluate(NAME).await, "Desk of the service");
    // Once more, with nothing that is new: it is tried, and nobody is said to have changed anything.
    let updates = async || {
        let audit = furnished
            .api
            .get("api/v1/audit?what=integration&action=update");
        audit.await["items"].as_array().unwrap().len()
    };
    let before = updates().await;
    page.follow("button", "Test").await;
    page.says("Saved and authenticated").await;
    assert_eq!((before, updates().await), (1, 1));

    page.fill("Name", "Another name").await;
    page.fill("Authentication Header Value", "a secret").await;
    let anna = furnished
        .first("users?limit=100", |user| user["name"] == ADMIN)
        .await;
    let other = json!({"password": "another horse battery"});
    let of_anna = format!("api/v1/users/{anna}/password");
    let changed = furnished.api.call("POST", &of_anna, Some(other)).await;
    assert!(changed.status < 300, "{}", changed.body);
    page.follow("button", "Save").await;
    page.fill("Name", ADMIN).await;
    page.fill("Password", "another horse battery").await;
    page.follow("button", "Sign in").await;
    assert_eq!(page.path().await, path);
    page.says("What you had typed is back, but for secrets")
        .await;
    assert_eq!(page.evaluate(NAME).await, "Another name");
    let secret = page.evaluate("document.getElementById('header_value').value");
    assert_eq!(secret.await, "");
    assert!(page.reports().is_clean(), "{:?}", page.reports());
}

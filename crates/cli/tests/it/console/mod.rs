//! The console in a browser: Chromium drives the pages of the real binary as people do.
//!
//! [`furnished`] is a server with something of everything, [`walk`] goes to every page that links lead to; what is tested
//! of all pages is tested of those, so that a page which is added is not forgotten.

mod axe;
mod finish_fails;
mod follow_deliveries;
mod furnished;
mod guide_flow;
mod hand;
mod replay_dead;
mod screenshots;
mod teach;
mod tenants;
mod walk;
mod xss;

use testkit::browser::Page;

pub const PASSWORD: &str = "correct horse battery";

/// Signs in by the form.
pub async fn sign_in(page: &Page, name: &str) {
    page.open("/sign-in").await;
    page.fill("Name", name).await;
    page.fill("Password", PASSWORD).await;
    page.follow("button", "Sign in").await;
    let path = page.path().await;
    assert!(!path.starts_with("/sign-in"), "{}", page.text().await);
}

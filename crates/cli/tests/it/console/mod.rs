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
mod hostile;
mod keyboard;
mod replay_dead;
mod screenshots;
mod states;
mod teach;
mod tenants;
mod typed;
mod walk;
mod xss;

use testkit::browser::Page;

use states::Seen;

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

/// How much was looked at, for whoever runs the test with `--no-capture`.
#[expect(clippy::print_stderr, reason = "a test tells what it has covered")]
fn told(by: &str, seen: &Seen, looks: usize) {
    let Seen { pages, states } = seen;
    eprintln!("{by}: {pages} pages and {states} more states of them, each in {looks} ways");
}

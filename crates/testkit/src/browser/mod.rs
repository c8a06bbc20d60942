//! Chromium without a window, driven over DevTools as a person drives it: by role and name, by label, by keys.
//!
//! A driver of our own: the crates there are bring a hundred others, and a test needs twenty calls. Whatever is looked for
//! is looked for again every [`LOOK_EVERY`] until [`PATIENCE`] is over, so that a test says what must come and never how
//! long it takes. What is found by role and name is found as a screen reader finds it.

mod keys;
mod nodes;
mod page;
mod reports;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

pub use page::{Page, Scheme};
pub use reports::Reports;

use wire::Wire;

/// The longest that anything that must come is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a page is looked at again.
pub const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running Chromium; killed when it and its pages are dropped.
#[derive(Debug)]
pub struct Browser(Arc<Wire>);

impl Browser {
    /// Starts one. Chromium must be installed: `cargo xtask test` sees to it.
    pub async fn start() -> Self {
        let wire = Wire::start();
        if let Err(error) = wire.try_call(None, "Browser.getVersion", json!({})).await {
            panic!("Chromium does not answer: {error}");
        }
        Self(Arc::new(wire))
    }

    /// An empty page with cookies and storage of its own, as somebody else's browser would have. `base` is what paths are
    /// paths of.
    pub async fn page(&self, base: &str) -> Page {
        Page::open_in(Arc::clone(&self.0), base).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Answer, Target};

    const PAGE: &str = "<!DOCTYPE html><title>One</title><h1>Form</h1>
        <form action=/two><label for=name>Name</label><input id=name name=name value=old>
        <label><input type=checkbox name=loud> Loud</label>
        <label for=way>Way</label><select id=way name=way><option>up<option>down</select><button>Send it</button></form>
        <p id=script>no script</p><script>document.getElementById('script').textContent = 'script runs'</script>
        <script>alert('one'); throw new Error('two')</script><div hidden><button>Hidden</button></div>";

    fn html(text: &str) -> Answer {
        Answer::ok().header("content-type", "text/html").body(text)
    }

    async fn target() -> Target {
        let target = Target::start().await;
        target.on_path("/one", html(PAGE));
        target.on_path("/two", html("<title>Two</title><h1>Arrived</h1>"));
        target
    }

    #[tokio::test]
    async fn a_page_is_used_by_roles_labels_and_keys() {
        let target = target().await;
        let browser = Browser::start().await;
        let page = browser.page(&target.url("")).await;
        assert_eq!(page.open("/one").await, 200);
        page.says("script runs").await;
        assert!(!page.has("button", "Hidden").await);
        page.fill("Name", "a & b").await;
        page.tick("Loud", true).await;
        page.choose("Way", "down").await;
        page.follow("button", "Send it").await;
        page.see("heading", "Arrived").await;
        assert_eq!(page.path().await, "/two?name=a+%26+b&loud=on&way=down");
        page.open("/one").await;
        page.tab_to("checkbox", "Loud").await;
        page.press("Space").await;
        page.tab_to("button", "Send it").await;
        page.press_and_follow("Enter").await;
        assert_eq!(page.path().await, "/two?name=old&loud=on&way=up");
    }

    #[tokio::test]
    async fn what_a_good_page_has_none_of_is_reported() {
        let target = target().await;
        let policy = html(PAGE).header("content-security-policy", "default-src 'none'");
        target.on_path("/strict", policy);
        let browser = Browser::start().await;
        let page = browser.page(&target.url("")).await;
        page.open("/two").await;
        assert!(page.reports().is_clean());
        page.open("/one").await;
        let reports = page.reports();
        assert_eq!(reports.dialogs, ["alert: one"]);
        assert_eq!(reports.exceptions.len(), 1, "{reports:?}");
        let page = browser.page(&target.url("")).await;
        page.open("/strict").await;
        page.says("no script").await;
        assert_eq!(page.reports().refused.len(), 2, "{:?}", page.reports());
    }

    #[tokio::test]
    async fn a_page_without_script_is_read_and_sent() {
        let target = target().await;
        let browser = Browser::start().await;
        let page = browser.page(&target.url("")).await;
        page.without_script().await;
        page.open("/one").await;
        page.says("no script").await;
        page.tick("Loud", true).await;
        page.follow("button", "Send it").await;
        page.see("heading", "Arrived").await;
        assert!(page.reports().is_clean());
    }
}

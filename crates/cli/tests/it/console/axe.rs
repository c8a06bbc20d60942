//! axe on every page, light and wide, dark and narrow: nothing serious.

use std::path::Path;

use serde_json::Value;
use testkit::Browser;
use testkit::browser::{Page, Scheme};

use super::furnished::{ADMIN, Furnished};
use super::walk::walk;

const SOURCE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/axe/node_modules/axe-core/axe.min.js"
);
/// What it finds that is serious or worse, a line each.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'], preload: false, iframes: false }).then(({ violations }) => violations
  .filter((found) => ['serious', 'critical'].includes(found.impact))
  .flatMap((found) => found.nodes.map((node) =>
    `${found.impact}: ${found.id} (${found.help}) at ${node.target.join(' ')}: ${node.html.slice(0, 160)} ${node.any.map((it) => it.message).join('; ')}`)))";
/// The innermost element that a page scrolls sideways for.
const TOO_WIDE: &str = "(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return null;
  const wide = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > innerWidth);
  return wide.at(-1)?.outerHTML.slice(0, 160) ?? 'what is not in the content';
})()";
/// Something that is open and shows nothing.
const EMPTY: &str = "[...document.querySelectorAll('main details[open]')]
  .filter((one) => one.getClientRects().length > 0 && one.offsetHeight <= (one.querySelector('summary')?.offsetHeight ?? 0) + 1)
  .map((one) => one.outerHTML.slice(0, 160))[0] ?? null";
/// Width, height and scheme that every page is looked at in.
const LOOKS: [(u32, u32, Scheme); 2] = [(1280, 800, Scheme::Light), (320, 640, Scheme::Dark)];

struct Axe {
    source: String,
    findings: Vec<String>,
}

impl Axe {
    fn new() -> Self {
        let source = std::fs::read_to_string(Path::new(SOURCE)).unwrap_or_else(|error| {
            panic!("{SOURCE}: {error}; `cargo xtask test` installs it, or `npm ci` in that folder")
        });
        Self {
            source,
            findings: Vec::new(),
        }
    }

    /// Looks at the page as it is now.
    async fn look(&mut self, page: &Page) {
        for (width, height, scheme) in LOOKS {
            page.resized(width, height).await;
            page.prefers(scheme).await;
            if page.evaluate("typeof axe").await != "object" {
                page.evaluate(&format!("{};0", self.source)).await;
            }
            let found = page.evaluate(RUN).await;
            let place = format!("{} ({width} px, {})", page.path().await, scheme.word());
            self.note(&place, found.as_array().unwrap());
            let empty = page.evaluate(EMPTY).await;
            if let Some(element) = empty.as_str() {
                self.findings
                    .push(format!("{place}: is open and shows nothing: {element}"));
            }
            let wide = page.evaluate(TOO_WIDE).await;
            if let Some(element) = wide.as_str() {
                self.findings
                    .push(format!("{place}: scrolls sideways, by {element}"));
            }
        }
    }

    fn note(&mut self, place: &str, found: &[Value]) {
        for finding in found.iter().filter_map(Value::as_str) {
            self.findings.push(format!("{place}: {finding}"));
        }
    }

    fn expect_none(&self) {
        assert!(
            self.findings.is_empty(),
            "{} findings:\n{}",
            self.findings.len(),
            self.findings.join("\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_has_a_serious_fault_for_people_who_cannot_see_or_point() {
    let mut axe = Axe::new();
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let stranger = browser.page(&furnished.server.url).await;
    stranger.open("/sign-in").await;
    axe.look(&stranger).await;
    let page = furnished.signed_in(&browser, ADMIN).await;
    let shapes = walk(&page, 1, async |_| axe.look(&page).await).await;
    assert!(shapes.len() > 8, "{shapes:?}");
    axe.expect_none();
    let reports = page.reports();
    assert!(reports.is_clean(), "{reports:?}");
}

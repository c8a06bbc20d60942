//! axe on every page and every state, light and dark, wide and narrow: nothing serious.

use std::path::Path;

use serde_json::Value;
use testkit::Browser;
use testkit::browser::{Page, Scheme};

use super::furnished::Furnished;
use super::states::every_state;
use super::told;

const SOURCE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/axe/node_modules/axe-core/axe.min.js"
);
/// What it finds that is serious or worse, a line each.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'], preload: false, iframes: false, ...RULES }).then(({ violations }) => violations
  .filter((found) => ['serious', 'critical'].includes(found.impact))
  .flatMap((found) => found.nodes.map((node) =>
    `${found.impact}: ${found.id} (${found.help}) at ${node.target.join(' ')}: ${node.html.slice(0, 160)} ${node.any.map((it) => it.message).join('; ')}`)))";
const ALL: &str = "{}";
/// Those that see another page when the colours are other ones alone.
const COLOURS: &str =
    "{ runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }";
/// Width, height, scheme and rules that every page is looked at by, in an order that changes one thing at a time.
const LOOKS: [(u32, u32, Scheme, &str); 4] = [
    (1280, 800, Scheme::Light, ALL),
    (1280, 800, Scheme::Dark, COLOURS),
    (320, 640, Scheme::Dark, ALL),
    (320, 640, Scheme::Light, COLOURS),
];
/// Fewer would mean that the walk has lost its way.
const LEAST: (usize, usize) = (60, 50);

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

    /// Looks at the page as it is now, without loading it again.
    async fn look(&mut self, page: &Page, what: &str) {
        for (width, height, scheme, rules) in LOOKS {
            page.resized(width, height).await;
            page.prefers(scheme).await;
            if page.evaluate("typeof axe").await != "object" {
                page.evaluate(&format!("{};0", self.source)).await;
            }
            let found = page.evaluate(&RUN.replace("RULES", rules)).await;
            let found = found
                .as_array()
                .unwrap_or_else(|| panic!("{what} went elsewhere"));
            let findings = found.iter().filter_map(Value::as_str);
            self.findings.extend(
                findings
                    .map(|finding| format!("{what} ({width} px, {}): {finding}", scheme.word())),
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_has_a_serious_fault_for_people_who_cannot_see_or_point() {
    let mut axe = Axe::new();
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let seen = every_state(&furnished, &browser, async |page, what| {
        axe.look(page, what).await
    })
    .await;
    told("axe", &seen, LOOKS.len());
    assert!(
        seen.pages >= LEAST.0 && seen.states >= LEAST.1,
        "only {seen:?}"
    );
    assert!(
        axe.findings.is_empty(),
        "{} findings:\n{}",
        axe.findings.len(),
        axe.findings.join("\n")
    );
}

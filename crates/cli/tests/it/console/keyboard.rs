//! Every page and every state by the keyboard and by a finger, wide and narrow: the Tab key comes to each control in the
//! order of the page, what has the focus shows it and is covered by nothing (WCAG 2.4.3, 2.4.7, 2.4.11, 1.4.11), what is
//! pointed at has 24 by 24 pixels (2.5.8), and nothing scrolls sideways (1.4.10).

use serde_json::Value;
use testkit::Browser;
use testkit::browser::Page;

use super::furnished::Furnished;
use super::states::every_state;
use super::told;

const SCRIPT: &str = include_str!("keyboard.js");
const LOOKS: [(u32, u32); 2] = [(1280, 800), (320, 640)];
/// Strokes that are sent at once when the controls are passed.
const STROKES: usize = 10;
/// Most strokes for places beside the controls that the Tab key comes to: what scrolls, and parts of a date.
const BESIDE: usize = 100;
/// Most findings that are told of one page.
const TOLD: usize = 12;

/// Looks at the page as it is now.
async fn look(page: &Page, what: &str, findings: &mut Vec<String>) {
    for (width, height) in LOOKS {
        page.resized(width, height).await;
        page.evaluate(SCRIPT).await;
        page.evaluate("tour.begin()").await;
        let count = page.evaluate("tour.count()").await;
        let count = usize::try_from(count.as_u64().unwrap_or_default()).unwrap();
        page.press_often("Tab", count).await;
        for _ in 0..BESIDE / STROKES {
            if page.evaluate("tour.isDone()").await != false {
                break;
            }
            page.press_often("Tab", STROKES).await;
        }
        let found = page.evaluate("tour.findings()").await;
        let found = found
            .as_array()
            .unwrap_or_else(|| panic!("{what} went elsewhere"));
        let found = found.iter().filter_map(Value::as_str).take(TOLD);
        findings.extend(found.map(|finding| format!("{what} ({width} px): {finding}")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_used_by_the_keyboard_and_by_a_finger() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let mut findings = Vec::new();
    let seen = every_state(&furnished, &browser, async |page, what| {
        look(page, what, &mut findings).await
    })
    .await;
    told("the keyboard", &seen, LOOKS.len());
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

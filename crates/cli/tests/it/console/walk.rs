//! Every page that links lead to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;
use testkit::browser::Page;

/// Most pages of one walk, so that a page which makes links without end does not make a test without end.
const MOST: usize = 400;
/// Most pages of a list that the same parameters ask for.
const LISTS: usize = 2;
/// Where nothing may lead yet, and what is reached by no link.
pub const START: [&str; 6] = [
    "/",
    "/welcome",
    "/account",
    "/help/causes",
    "/help/whitelisting",
    "/no-such-page",
];
/// Links of this server, but for what is fetched and what is no page.
const LINKS: &str = "[...document.querySelectorAll('a[href]:not([download])')]
  .filter((link) => link.origin === location.origin && !/^\\/(api\\/|assets\\/|metrics$|livez$|readyz$)/.test(link.pathname) && !/\\/export/.test(link.pathname))
  .map((link) => link.pathname + link.search)";

/// Parameters that narrow a list or say how far back it looks: with other values, or with several, it is the same page.
const NARROWING: [&str; 28] = [
    "actor",
    "category",
    "cause",
    "code",
    "company",
    "cursor",
    "days",
    "decode",
    "event",
    "failing",
    "fault",
    "filter",
    "fingerprint",
    "integration",
    "kind",
    "limit",
    "match",
    "range",
    "routing",
    "severity",
    "silence",
    "since",
    "source",
    "state",
    "status",
    "text",
    "took_millis",
    "until",
];

/// Pages that look alike: ids, codes and values are left out.
pub fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_id = |part: &str| {
        part.contains('.') || part.len() >= 16 && part.chars().any(|c| c.is_ascii_digit())
    };
    let parts = path
        .split('/')
        .map(|part| if is_id(part) { "{}" } else { part });
    let mut shape = parts.collect::<Vec<_>>().join("/");
    let names: BTreeSet<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.is_empty() && *name != "told")
        .map(|name| {
            if NARROWING.contains(&name) {
                "narrowed"
            } else {
                name
            }
        })
        .collect();
    for (number, name) in names.iter().enumerate() {
        shape.push(if number == 0 { '?' } else { '&' });
        shape.push_str(name);
    }
    shape
}

/// Goes to `each` page of every shape, at most so many of one, and calls `visit` there with its path. Answers the shapes.
pub async fn walk(
    page: &Page,
    each: usize,
    mut visit: impl AsyncFnMut(&str),
) -> BTreeMap<String, usize> {
    let mut open: VecDeque<String> = START.map(str::to_owned).into();
    let mut known: BTreeSet<String> = open.iter().cloned().collect();
    let mut shapes = BTreeMap::new();
    let mut visited = 0;
    while let Some(path) = open.pop_front() {
        let shape = shape(&path);
        // What narrows a list is told apart by its values alone.
        let most = if shape.contains('?') {
            each.min(LISTS)
        } else {
            each
        };
        let seen: &mut usize = shapes.entry(shape).or_default();
        if *seen >= most {
            continue;
        }
        *seen += 1;
        visited += 1;
        assert!(
            visited <= MOST,
            "the console has more than {MOST} pages: {shapes:?}"
        );
        let status = page.open(&path).await;
        assert!(status < 500, "{path}: {status}\n{}", page.text().await);
        for link in links(page).await {
            if known.insert(link.clone()) {
                open.push_back(link);
            }
        }
        visit(&path).await;
    }
    shapes
}

async fn links(page: &Page) -> Vec<String> {
    let links = page.evaluate(LINKS).await;
    let links = links.as_array().into_iter().flatten();
    links.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn pages_that_look_alike_have_one_shape() {
    for (path, expected) in [
        ("/events/0190b2f4-0000-7000-8000-000000000000", "/events/{}"),
        ("/catalogue/system.asset_added", "/catalogue/{}"),
        ("/events/1.2?ask=remove&since=1", "/events/{}?ask&narrowed"),
        ("/events?text=a&company=b&told=saved", "/events?narrowed"),
        (
            "/settings/integrations/webhook",
            "/settings/integrations/webhook",
        ),
    ] {
        assert_eq!(shape(path), expected);
    }
}

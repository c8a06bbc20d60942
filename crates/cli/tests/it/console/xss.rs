//! Alert text is hostile (security.md I7): each text of the corpus goes in at every input as far as it is let in, then every
//! page is opened, every list to its end, parts that are asked for again, rows that come in live, files. No dialog, no
//! script, nothing that the content security policy had to refuse, and no element that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::browser::Page;
use testkit::{Answer, Browser, Target};
use url::form_urlencoded::byte_serialize;

use super::furnished::{ADMIN, Furnished, GLOBEX};
use super::hostile::{NAME, credentials, named, names, payloads, said};
use super::walk::{shape, walk};
use crate::support::{PATIENCE, looked};

/// Pages of each shape that are opened.
const OF_A_SHAPE: usize = 3;
/// Most forms that are sent with hostile text in every field.
const FORMS: usize = 60;
/// Most pages of one list that are gone through.
const PAGES: usize = 12;
/// Lists that grow while they are looked at.
const TAILS: [&str; 1] = ["/events?live=1"];
/// What files are.
const FILES: [&str; 6] = [
    "application/json",
    "application/octet-stream",
    "application/toml",
    "application/x-ndjson",
    "text/csv",
    "text/plain",
];
/// What is on the page that ought not to be.
const FOREIGN: &str = r#"(() => {
  const found = [];
  if (window.__hit !== undefined) found.push(`script ran: ${window.__hit}`);
  for (const element of document.querySelectorAll('*')) {
    const told = () => element.outerHTML.slice(0, 200);
    if (['iframe', 'object', 'embed', 'base', 'frame', 'math', 'style'].includes(element.localName)) found.push(`element ${told()}`);
    for (const { name, value } of element.attributes) {
      if (name === 'data-xss' || name === 'style' || name === 'srcdoc' || name.startsWith('on')) found.push(`attribute ${told()}`);
      if (['href', 'src', 'action', 'formaction', 'data', 'xlink:href', 'poster', 'data-live'].includes(name)) {
        const url = new URL(value, location.href);
        const fetched = name !== 'href' || element.localName === 'link';
        if (url.protocol !== 'https:' && url.origin !== location.origin) found.push(`URL ${told()}`);
        if (fetched && url.origin !== location.origin) found.push(`foreign ${told()}`);
      }
    }
  }
  return found;
})()"#;
/// Paths and parameters that the forms and links of the page ask with.
const ASKED: &str = "[
  ...[...document.forms].filter((form) => form.method === 'get')
    .flatMap((form) => [...form.elements].filter((field) => field.name).map((field) => `${new URL(form.getAttribute('action') ?? '', location.href).pathname} ${field.name}`)),
  ...[...document.querySelectorAll('a[href*=\"?\"]')].filter((link) => !/^\\/api/.test(link.pathname) && !/\\/export/.test(link.pathname))
    .flatMap((link) => [...new URLSearchParams(link.search).keys()].map((name) => `${link.pathname} ${name}`)),
]";

/// Asks again for the parts of the page that go on by themselves, as its script does after some seconds.
const REFRESH: &str = "(async () => {
  const parts = [...document.querySelectorAll('[data-refresh][id]')];
  if (parts.length === 0) return 0;
  const answer = await fetch(location.href, { headers: { 'alertwire-refresh': '1' } });
  alertwire.swap(await answer.text(), parts);
  return parts.length;
})()";
/// The next page of a list.
const NEXT: &str = "document.querySelector('nav.pages a[rel=next]')?.getAttribute('href') ?? null";
/// Files of this server that the page has links to.
const LINKED: &str = "[...document.querySelectorAll('a[download], a[href*=\"/export\"]')].filter((link) => link.origin === location.origin)
  .map((link) => link.pathname + link.search)";

/// What a file is sent as: its kind, whether browsers are told to store it, whether they may guess.
fn fetched(path: &str) -> String {
    format!(
        "fetch({}).then(async (answer) => {{
  await answer.text();
  const of = (name) => answer.headers.get(name) ?? '';
  return [answer.status, of('content-type'), of('content-disposition'), of('x-content-type-options')];
}})",
        Value::from(path)
    )
}

/// Sends the next form of the page, with this in each of its fields.
fn send(number: u64, text: &str) -> String {
    format!(
        "(() => {{
  const form = [...document.forms].filter((form) => form.method === 'post' && form.getAttribute('action') !== '/sign-out')[{number}];
  for (const field of form.elements) {{
    const isText = field.localName === 'textarea' || field.localName === 'input' && !['hidden', 'checkbox', 'radio', 'submit', 'file'].includes(field.type);
    if (isText && !field.readOnly) field.value = {};
  }}
  HTMLFormElement.prototype.submit.call(form);
}})()",
        Value::from(text)
    )
}

/// What was found on the pages so far, and what can be done there.
#[derive(Default)]
struct Search {
    findings: Vec<String>,
    /// `PATH NAME` of each parameter.
    asked: BTreeSet<String>,
    /// Shapes of pages on which the corpus can be read.
    shown: BTreeSet<String>,
    /// Pages with forms, one of each shape, and how many they have.
    forms: Vec<(String, u64)>,
    /// The next page of each list, by the list's path.
    lists: BTreeMap<String, String>,
    /// Files by the shape of their paths, and where each comes from.
    files: BTreeMap<String, String>,
    /// Parts of pages that were asked for again.
    refreshed: u64,
}

impl Search {
    /// Looks at the page as it is, and at what it is after its parts were asked for again.
    async fn look(&mut self, page: &Page, path: &str) {
        self.find(page, path).await;
        let parts = page.evaluate(REFRESH).await.as_u64();
        if let Some(parts) = parts.filter(|parts| *parts > 0) {
            self.refreshed += parts;
            self.find(page, path).await;
        }
        let reports = page.reports();
        assert!(reports.is_clean(), "{path}: {reports:?}");
    }

    async fn find(&mut self, page: &Page, path: &str) {
        let found = page.evaluate(FOREIGN).await;
        for finding in found.as_array().into_iter().flatten() {
            self.findings.push(format!("{path}: {finding}"));
        }
    }

    /// Notes what can be asked and sent there, and what goes on from there.
    async fn note(&mut self, page: &Page, path: &str) {
        let asked = page.evaluate(ASKED).await;
        let asked = asked.as_array().into_iter().flatten();
        self.asked
            .extend(asked.filter_map(Value::as_str).map(str::to_owned));
        let is_shown = page.text().await.contains("data-xss");
        let forms = page
            .evaluate("[...document.forms].filter((form) => form.method === 'post').length - 1")
            .await;
        let shape = shape(path);
        let is_new = !self
            .forms
            .iter()
            .any(|(other, _)| self::shape(other) == shape);
        if let Some(count) = forms.as_u64().filter(|count| *count > 0 && is_new) {
            self.forms.push((path.to_owned(), count));
        }
        if is_shown {
            self.shown.insert(shape);
        }
        let list = path.split('?').next().unwrap_or_default();
        if let Some(next) = page.evaluate(NEXT).await.as_str() {
            let next = match next.strip_prefix('?') {
                Some(query) => format!("{list}?{query}"),
                None => next.to_owned(),
            };
            self.lists.entry(list.to_owned()).or_insert(next);
        }
        let files = page.evaluate(LINKED).await;
        for file in files
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let shape = self::shape(file);
            self.files.entry(shape).or_insert_with(|| file.to_owned());
        }
    }

    /// Goes through each list to its end.
    async fn turn_pages(&mut self, page: &Page) {
        for (list, first) in self.lists.clone() {
            let mut next = Some(first);
            for _ in 0..PAGES {
                let Some(path) = next else { break };
                let status = page.open(&path).await;
                assert_eq!(status, 200, "{path}");
                self.look(page, &path).await;
                let following = page.evaluate(NEXT).await;
                next = following.as_str().map(|following| {
                    let query = following.strip_prefix('?');
                    query.map_or_else(|| following.to_owned(), |query| format!("{list}?{query}"))
                });
            }
        }
    }

    /// What each file is sent as: nothing that a browser shows as a page.
    async fn fetch(&mut self, page: &Page) {
        page.open("/account").await;
        for path in self.files.values() {
            let told = page.evaluate(&fetched(path)).await;
            let [status, kind, disposition, sniffing] = [0, 1, 2, 3].map(|it| &told[it]);
            let kind = kind.as_str().unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default();
            let is_stored = disposition
                .as_str()
                .is_some_and(|it| it.starts_with("attachment"));
            assert!(
                *status == 200 && FILES.contains(&kind) && *sniffing == "nosniff",
                "{path}: {told}"
            );
            assert!(is_stored || kind == "application/json", "{path}: {told}");
        }
    }

    /// Paths that nothing is at, and that say so with what was asked for.
    async fn miss(&mut self, page: &Page) {
        for (number, name) in names().iter().enumerate() {
            let before = [
                "",
                "/events",
                "/settings/integrations",
                "/catalogue",
                "/assets",
            ];
            let asked: String = byte_serialize(name.as_bytes()).collect();
            let path = format!("{}/{asked}", before[number % before.len()]);
            let status = page.open(&path).await;
            assert!((400..500).contains(&status), "{path}: {status}");
            self.find(page, &path).await;
        }
    }

    /// Each text as an alert that comes in while a list is followed.
    async fn follow(&mut self, page: &Page, furnished: &Furnished) {
        for path in TAILS {
            page.open(path).await;
            let rows = "document.querySelectorAll('tr.fresh').length";
            for (number, payload) in payloads().iter().enumerate() {
                let message = json!({"subject": payload, "body": format!("{payload} {number}")});
                furnished.receive(&message.to_string()).await;
            }
            let most = "Number(document.querySelector('table[data-tail]').dataset.kept)";
            let most = page.evaluate(most).await.as_u64().unwrap();
            let wanted = most.min(u64::try_from(payloads().len()).unwrap());
            looked(PATIENCE, "every row comes in", async || {
                let rows = page.evaluate(rows).await.as_u64();
                rows.is_some_and(|rows| rows >= wanted).then_some(())
            })
            .await;
            self.look(page, path).await;
        }
    }

    /// A job that goes on, begun by somebody and for something with a hostile name.
    async fn job(&mut self, page: &Page, furnished: &Furnished) {
        let name = names().pop().unwrap();
        let key = json!({"name": format!("{name} 2"), "role": "operator"});
        let key = furnished.api.call("POST", "api/v1/keys", Some(key)).await;
        let api = furnished.api.by(key.body["key"].as_str().unwrap());
        let slow = json!({"filter": {"status": "delivered", "company": GLOBEX, "text": name}, "rate_per_second": 1});
        let whole = json!({"filter": {"status": "dead"}, "rate_per_second": 1});
        for form in [slow, whole] {
            let job = api.call("POST", "api/v1/replays", Some(form)).await;
            assert!(job.status < 500, "{}", job.body);
            if let Some(id) = job.body["id"].as_str() {
                let path = format!("/replays/{id}");
                page.open(&path).await;
                self.look(page, &path).await;
            }
        }
    }

    /// Asks each page with hostile parameters, until each text was in one and each parameter had one.
    async fn ask(&mut self, page: &Page) {
        let payloads = payloads();
        let asked: Vec<_> = self.asked.iter().cloned().collect();
        let names = names();
        for number in 0..asked.len().max(payloads.len()) {
            let (path, name) = asked[number % asked.len()].split_once(' ').unwrap();
            // Every other time several texts at once, so that more of them come to each parameter.
            let text = match number % 2 {
                0 => &payloads[number % payloads.len()],
                _ => &names[number % names.len()],
            };
            let value: String = byte_serialize(text.as_bytes()).collect();
            let path = format!("{path}?{name}={value}");
            let status = page.open(&path).await;
            assert!(status < 500, "{path}: {status}");
            self.look(page, &path).await;
        }
    }

    /// Sends each form with hostile text in its fields; what comes back shows it again.
    async fn send(&mut self, page: &Page) {
        let names = names();
        let forms = self.forms.clone().into_iter();
        let forms =
            forms.flat_map(|(path, count)| (0..count).map(move |number| (path.clone(), number)));
        for (turn, (path, number)) in forms.take(FORMS).enumerate() {
            page.open(&path).await;
            let is_there = format!(
                "[...document.forms].filter((form) => form.method === 'post').length > {}",
                number + 1
            );
            if page.evaluate(&is_there).await == true {
                page.run_and_follow(&send(number, &names[turn % names.len()]))
                    .await;
                let status = page.status().await;
                // 502 is a Finish whose receiver cannot be reached, which the page says.
                let is_said = status < 500 || status == 502;
                assert!(is_said, "form {number} of {path}: {status}");
                self.look(page, &format!("form {number} of {path}")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_becomes_more_than_text_on_any_page() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let mut pages = named(&furnished).await;
    credentials(&furnished).await;
    pages.extend(said(&furnished).await);
    let page = furnished.signed_in(&browser, ADMIN).await;
    let mut search = Search::default();
    search.follow(&page, &furnished).await;
    let shapes = walk(&page, OF_A_SHAPE, async |path| {
        search.look(&page, path).await;
        search.note(&page, path).await;
    })
    .await;
    for path in pages {
        let status = page.open(&path).await;
        assert_eq!(status, 200, "{path}");
        search.look(&page, &path).await;
        search.note(&page, &path).await;
    }
    search.turn_pages(&page).await;
    search.job(&page, &furnished).await;
    search.fetch(&page).await;
    search.miss(&page).await;
    search.ask(&page).await;
    search.send(&page).await;
    assert!(search.findings.is_empty(), "{}", search.findings.join("\n"));
    for shape in ["/events", "/events/{}", "/deliveries", "/deliveries/{}"] {
        assert!(
            search.shown.contains(shape),
            "{shape} shows nothing hostile: {shapes:?}"
        );
    }
    let (refreshed, lists, files) = (search.refreshed, search.lists.len(), search.files.len());
    assert!(
        refreshed > 3 && lists > 5 && files > 5,
        "{refreshed} parts that go on, {lists} long lists, {files} files"
    );
}

/// What would be found if a page wrote text as it is: the search is no good when it finds nothing there.
#[tokio::test]
async fn text_that_is_not_escaped_would_be_found() {
    let (target, browser) = (Target::start().await, Browser::start().await);
    let images = payloads()
        .into_iter()
        .filter(|text| text.starts_with("<img"));
    let mut ran = 0;
    for (number, payload) in images.enumerate() {
        let path = format!("/{number}");
        let html = format!("<!DOCTYPE html><title>Raw</title><p>{payload}</p>");
        let answer = Answer::ok().header("content-type", "text/html; charset=utf-8");
        target.on_path(&path, answer.body(html));
        let page = browser.page(&target.url("")).await;
        page.open(&path).await;
        let found = page.evaluate(FOREIGN).await;
        assert!(!found.as_array().unwrap().is_empty(), "{payload}");
        let is_hit = page.evaluate("window.__hit !== undefined").await == true;
        ran += usize::from(is_hit || !page.reports().is_clean());
    }
    assert!(ran > 3, "only {ran} ran");
}

#[test]
fn the_corpus_has_two_hundred_texts_that_differ() {
    let payloads = payloads();
    let distinct: BTreeSet<_> = payloads.iter().collect();
    assert!(distinct.len() >= 200 && distinct.len() == payloads.len());
    assert!(names().iter().all(|name| name.chars().count() <= NAME));
}

//! Alert text is hostile (security.md I7): the corpus goes in at every input, then every page is opened. No dialog, no
//! script, nothing that the content security policy had to refuse, and no element that is not ours.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::browser::Page;
use testkit::{Answer, Browser, Target};
use url::form_urlencoded::byte_serialize;

use super::PASSWORD;
use super::furnished::{ACME, ADMIN, Furnished, GLOBEX};
use super::walk::{shape, walk};

const CORPUS: &str = include_str!("../../console/payloads.txt");
/// Longest name, in characters.
const NAME: usize = 200;
/// Texts of one message that comes in.
const IN_A_MESSAGE: usize = 12;
/// Pages of each shape that are opened.
const OF_A_SHAPE: usize = 6;
/// Most forms that are sent with hostile text in every field.
const FORMS: usize = 60;
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

fn payloads() -> Vec<String> {
    let lines = CORPUS.lines().filter(|line| !line.starts_with('#'));
    lines.map(written_out).collect()
}

/// `{U+202E}` stands for that character.
fn written_out(line: &str) -> String {
    let mut pieces = line.split("{U+");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once('}').unwrap();
        text.push(char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap());
        text.push_str(rest);
    }
    text
}

/// As many together as fit into a name, without what a name may not hold.
fn names() -> Vec<String> {
    let mut names = vec![String::new()];
    for payload in payloads() {
        let payload = payload.replace(char::is_control, "");
        let last = names.last_mut().unwrap();
        if last.chars().count() + payload.chars().count() < NAME {
            last.push(' ');
            last.push_str(&payload);
        } else {
            names.push(payload);
        }
    }
    names.iter().map(|name| name.trim().to_owned()).collect()
}

/// Puts the corpus into everything that has a name.
async fn named(furnished: &Furnished) {
    let api = &furnished.api;
    let url = furnished.desk.url("/desk");
    for (number, name) in names().iter().enumerate() {
        let company = json!({"name": name, "aliases": [name], "domain": name, "external_id": name});
        api.made("api/v1/companies", company).await;
        let set = furnished.set(name, "event", &["problem.critical"]).await;
        super::furnished::source(api, name, Some(name)).await;
        api.made("api/v1/keys", json!({"name": name, "role": "viewer"}))
            .await;
        furnished.silence(ACME, name, "severity<=info");
        // A check and a hash cost time; what is checked and hashed is always the same.
        if number % 4 == 0 {
            let user = json!({"name": name, "role": "viewer", "password": PASSWORD});
            api.made("api/v1/users", user).await;
            let webhook = furnished.webhook(name, &url, &[]).await;
            furnished.mapped(&webhook, name, name, &set).await;
        }
    }
}

/// Headers and URLs of a webhook: what is let in is shown too.
async fn credentials(furnished: &Furnished) {
    let mut taken = 0;
    for (number, payload) in payloads().iter().enumerate() {
        let [url, header] = [
            format!("https://127.0.0.1:1/{payload}"),
            payload.split_whitespace().collect::<String>(),
        ];
        let form = json!({
            "connector": "webhook", "name": format!("Hostile {number}"),
            "credentials": {"webhook_url": url, "header_key": header, "header_value": "v", "username": payload},
        });
        let answer = furnished
            .api
            .call("POST", "api/v1/integrations", Some(form))
            .await;
        taken += usize::from(answer.status == 201);
        assert!([201, 422].contains(&answer.status), "{}", answer.body);
    }
    assert!(taken < payloads().len(), "some are no URL or no header");
}

/// Events of which a field is hostile, messages whose subject and body are, and a receiver that answers like that. Answers
/// the pages of what that receiver refused.
async fn said(furnished: &Furnished) -> Vec<String> {
    let url = furnished.desk.url("/hostile");
    let webhook = furnished.webhook("Hostile", &url, &[GLOBEX]).await;
    let set = furnished
        .set("Hostile", "event", &["problem.critical"])
        .await;
    furnished.mapped(&webhook, GLOBEX, "Hostile", &set).await;
    furnished
        .desk
        .on_path("/hostile", Answer::decided(|_| hostile_answer()));
    let payloads = payloads();
    let mut taken = 0;
    for payload in &payloads {
        let form = json!({
            "event": "problem.critical", "company": GLOBEX,
            "fields": {"ip": "192.0.2.1", "hostname": "a.example", "company": "Globex", "product": payload, "vul_id": "CVE-2021-44228", "severity": "critical"},
        });
        let answer = furnished
            .api
            .call("POST", "api/v1/events", Some(form))
            .await;
        taken += usize::from(answer.status == 202);
    }
    assert!(
        taken > payloads.len() / 2,
        "{taken} were taken as a product"
    );
    for some in payloads.chunks(IN_A_MESSAGE) {
        let text = some.join("\n");
        let subject: String = some.join(" ").chars().take(NAME).collect();
        let message = json!({"subject": subject, "body": text, "<b data-xss>": text});
        furnished.receive(&message.to_string()).await;
        furnished.receive(&text).await;
        let known = json!({"subject": "New Asset(s) Added", "body": format!("New asset added with ip 192.0.2.1. Hostname {text}")});
        furnished.receive(&known.to_string()).await;
    }
    let path = format!("api/v1/deliveries?integration={webhook}&status=dead&limit=5");
    let refused = furnished.api.until(&path, |page| {
        let ids = page["items"]
            .as_array()?
            .iter()
            .map(|item| item["id"].as_str());
        let ids: Vec<_> = ids
            .flatten()
            .map(|id| format!("/deliveries/{id}"))
            .collect();
        (!ids.is_empty()).then_some(ids)
    });
    refused.await
}

/// All of the corpus, in the body and as far as a header may hold it.
fn hostile_answer() -> Answer {
    let payloads = payloads();
    let mut answer = Answer::status(503).body(payloads.join("\n"));
    for (number, payload) in payloads.iter().enumerate().take(60) {
        let value: String = payload
            .chars()
            .filter(|c| (' '..='~').contains(c))
            .collect();
        answer = answer.header(&format!("x-hostile-{number}"), &value);
    }
    answer
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
}

impl Search {
    /// Looks at the page as it is.
    async fn look(&mut self, page: &Page, path: &str) {
        let found = page.evaluate(FOREIGN).await;
        for finding in found.as_array().into_iter().flatten() {
            self.findings.push(format!("{path}: {finding}"));
        }
        let reports = page.reports();
        assert!(reports.is_clean(), "{path}: {reports:?}");
    }

    /// Notes what can be asked and sent there.
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
    }

    /// Asks each page with hostile parameters, until each text was in one and each parameter had one.
    async fn ask(&mut self, page: &Page) {
        let payloads = payloads();
        let asked: Vec<_> = self.asked.iter().cloned().collect();
        for number in 0..asked.len().max(payloads.len()) {
            let (path, name) = asked[number % asked.len()].split_once(' ').unwrap();
            let text = &payloads[number % payloads.len()];
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
                assert!(status < 500, "form {number} of {path}: {status}");
                self.look(page, &format!("form {number} of {path}")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_becomes_more_than_text_on_any_page() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    named(&furnished).await;
    credentials(&furnished).await;
    let refused = said(&furnished).await;
    let page = furnished.signed_in(&browser, ADMIN).await;
    let mut search = Search::default();
    let shapes = walk(&page, OF_A_SHAPE, async |path| {
        search.look(&page, path).await;
        search.note(&page, path).await;
    })
    .await;
    for path in refused {
        page.open(&path).await;
        search.look(&page, &path).await;
        search.note(&page, &path).await;
    }
    search.ask(&page).await;
    search.send(&page).await;
    assert!(search.findings.is_empty(), "{}", search.findings.join("\n"));
    for shape in ["/events", "/events/{}", "/deliveries", "/deliveries/{}"] {
        assert!(
            search.shown.contains(shape),
            "{shape} shows nothing hostile: {shapes:?}"
        );
    }
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

//! Every page, and what pages look like that no link leads to: questions, faults, lists without anything, secrets that are
//! shown once, a check that runs. What is tested of all pages is tested of all of these.

use serde_json::{Value, json};
use testkit::browser::Page;
use testkit::{Answer, Browser};

use super::PASSWORD;
use super::furnished::{ACME, ADMIN, Furnished};
use super::walk::{shape, walk};
use crate::support::{PATIENCE, Place, Server, looked};

/// Most forms that are sent with nothing in them.
const FORMS: usize = 60;
/// Most lists that are asked for what none has.
const LISTS: usize = 40;
/// As wide as the pages are used in.
const WIDE: (u32, u32) = (1280, 800);
/// What is folded is looked at too, but for what opens over other things.
const UNFOLD: &str =
    "for (const one of document.querySelectorAll('main details:not(.drop)')) one.open = true";
/// The pages that the navigation leads to.
const NAVIGATION: &str = "[...document.querySelectorAll('nav[aria-label=Main] a')].map((link) => link.pathname)
  .concat('/settings/integrations/webhook', '/rules/dry-run', '/catalogue/unknown', '/catalogue/drift')";
/// Lists that can be searched, asked for what none has.
const SEARCHES: &str = "[...document.querySelectorAll('form [data-search]')].filter((field) => field.form?.method === 'get')
  .map((field) => `${new URL(field.form.getAttribute('action') ?? '', location.href).pathname}?${field.name}=no-such-thing`)";
/// Forms of the page that something is typed into.
const TYPED: &str = "[...document.forms].filter((form) => form.method === 'post' &&
  [...form.elements].some((field) => field.localName === 'textarea' || ['text', 'password', 'url'].includes(field.type)))";

/// What a look at every page has come by.
#[derive(Debug, Default)]
pub struct Seen {
    /// That links lead to.
    pub pages: usize,
    /// Of pages, that they do not.
    pub states: usize,
}

/// Looks at every page and every state; `look` is told what each is called.
pub async fn every_state(
    furnished: &Furnished,
    browser: &Browser,
    look: impl AsyncFnMut(&Page, &str),
) -> Seen {
    let mut tour = Tour {
        furnished,
        browser,
        look,
        count: 0,
    };
    let page = furnished.signed_in(browser, ADMIN).await;
    let mut found = Found::default();
    tour.pages(&page, &mut found).await;
    let pages = tour.count;
    tour.strangers().await;
    tour.nothing_yet().await;
    tour.no_match(&page, found.searches).await;
    tour.beside_a_page(&page).await;
    tour.running(&page).await;
    tour.questions(&page).await;
    tour.shown_once(&page).await;
    tour.other_roles().await;
    // Last, for a form that asks for nothing does what it says.
    tour.faults(&page, found.forms).await;
    let reports = page.reports();
    assert!(reports.is_clean(), "{reports:?}");
    Seen {
        pages,
        states: tour.count - pages,
    }
}

/// What the pages have that is asked for later.
#[derive(Debug, Default)]
struct Found {
    searches: Vec<String>,
    /// Pages, one of each shape, and how many of their forms are typed into.
    forms: Vec<(String, u64)>,
}

impl Found {
    async fn note(&mut self, page: &Page, path: &str) {
        let searches = page.evaluate(SEARCHES).await;
        let searches = searches.as_array().into_iter().flatten();
        for search in searches.filter_map(Value::as_str) {
            if !self.searches.iter().any(|known| known == search) {
                self.searches.push(search.to_owned());
            }
        }
        let count = page.evaluate(&format!("{TYPED}.length")).await;
        let is_new = self
            .forms
            .iter()
            .all(|(known, _)| shape(known) != shape(path));
        if let Some(count) = count.as_u64().filter(|count| *count > 0 && is_new) {
            self.forms.push((path.to_owned(), count));
        }
    }
}

struct Tour<'a, L> {
    furnished: &'a Furnished,
    browser: &'a Browser,
    look: L,
    count: usize,
}

impl<L: AsyncFnMut(&Page, &str)> Tour<'_, L> {
    /// Looks at the page as it is.
    async fn see(&mut self, page: &Page, what: &str) {
        page.evaluate(UNFOLD).await;
        self.count += 1;
        (self.look)(page, what).await;
        page.resized(WIDE.0, WIDE.1).await;
    }

    async fn open(&mut self, page: &Page, path: &str) {
        let status = page.open(path).await;
        assert!(status < 500, "{path}: {status}");
        self.see(page, path).await;
    }

    async fn pages(&mut self, page: &Page, found: &mut Found) {
        walk(page, 1, async |path| {
            found.note(page, path).await;
            self.see(page, path).await;
        })
        .await;
    }

    /// Whoever is not signed in.
    async fn strangers(&mut self) {
        let page = self.browser.page(&self.furnished.server.url).await;
        self.open(&page, "/sign-in").await;
        page.fill("Name", ADMIN).await;
        page.fill("Password", "not the password").await;
        page.follow("button", "Sign in").await;
        self.see(&page, "a sign-in that failed").await;
        self.open(&page, "/no-such-page").await;
    }

    /// A server that nobody has used: its first page, and every list before there is anything in it.
    async fn nothing_yet(&mut self) {
        let place = Place::new();
        let mut serve = place.serve();
        serve.env_remove("ALERTWIRE_SETUP__API_KEY");
        let server = Server::start(serve, place.folder.path());
        let page = self.browser.page(&server.url).await;
        self.open(&page, server.said["setup_url"].as_str().unwrap())
            .await;
        for (field, text) in [
            ("Name", ADMIN),
            ("Password", PASSWORD),
            ("Password again", "another one than that"),
        ] {
            page.fill(field, text).await;
        }
        page.follow("button", "Make the user and sign in").await;
        self.see(&page, "a first user with two passwords").await;
        for field in ["Password", "Password again"] {
            page.fill(field, PASSWORD).await;
        }
        page.follow("button", "Make the user and sign in").await;
        page.see("heading", "Which way do alerts go first?").await;
        let paths = page.evaluate(NAVIGATION).await;
        for path in paths.as_array().unwrap() {
            let path = path.as_str().unwrap();
            page.open(path).await;
            self.see(&page, &format!("{path} with nothing yet")).await;
        }
    }

    async fn no_match(&mut self, page: &Page, searches: Vec<String>) {
        assert!(searches.len() > 3, "{searches:?}");
        for search in searches.iter().take(LISTS) {
            self.open(page, search).await;
        }
    }

    /// What came of a form, what is wrong with a request, the keys, the navigation where it is folded, rows that come in.
    async fn beside_a_page(&mut self, page: &Page) {
        for path in [
            "/?told=saved",
            "/?told=not-authenticated",
            "/events?severity=none-of-these",
        ] {
            self.open(page, path).await;
        }
        page.open("/").await;
        page.press("?").await;
        page.see("dialog", "Keys").await;
        self.see(page, "the keys").await;
        page.open("/").await;
        let menu = "document.querySelector('[data-menu]').click()";
        page.evaluate(menu).await;
        self.see(page, "the navigation unfolded").await;
        page.open("/events?live=1").await;
        page.says("Following: what comes in").await;
        let event =
            json!({"event": "system.asset_added", "company": ACME, "fields": {"ip": "192.0.2.9"}});
        self.furnished.api.raise(event).await;
        looked(PATIENCE, "a row comes in", async || {
            (page
                .evaluate("document.querySelector('tr.fresh') !== null")
                .await
                == true)
                .then_some(())
        })
        .await;
        self.see(page, "a row that came in").await;
    }

    /// A check whose receiver does not answer yet, and a job that goes on and rests.
    async fn running(&mut self, page: &Page) {
        let desk = self.desk().await;
        let hanging = Answer::ok().hanging();
        self.furnished.desk.on_path("/desk", hanging);
        page.open(&format!("{desk}/credentials?check=1")).await;
        page.says("DNS").await;
        self.see(page, "a check that runs").await;
        self.furnished.desk.on_path("/desk", Answer::ok());
        self.furnished.desk.let_go();
        page.says("Saved and authenticated").await;
        let slow = json!({"filter": {"status": "delivered"}, "rate_per_second": 1});
        let api = &self.furnished.api;
        let job = api.call("POST", "api/v1/replays", Some(slow)).await;
        let path = format!("/replays/{}", job.body["id"].as_str().unwrap());
        self.open(page, &path).await;
        page.follow("button", "Pause").await;
        self.see(page, "a replay that rests").await;
    }

    /// What is asked before an event set and a rule are saved, and before an integration of this name goes.
    async fn questions(&mut self, page: &Page) {
        let desk = self.desk().await;
        page.open(&format!("{desk}/event-sets/new")).await;
        page.fill("Name", "A set of the tour").await;
        page.click("button", "System Changes").await;
        page.tick("New Asset Added", true).await;
        page.follow("button", "Save").await;
        page.see("dialog", "Confirmation").await;
        self.see(page, "the confirmation of an event set").await;
        page.open(&format!("{desk}/rules/new")).await;
        page.fill("Name", "A rule of the tour").await;
        page.choose("Event Set", "Everything").await;
        page.follow("button", "Save").await;
        page.see("dialog", "Confirmation").await;
        self.see(page, "the confirmation of a rule").await;
    }

    async fn shown_once(&mut self, page: &Page) {
        for (path, name, button) in [
            ("/keys/new", "A key of the tour", "Make the key"),
            ("/users/new", "tour", "Add the user"),
            ("/sources/new", "A source of the tour", "Add the source"),
        ] {
            page.open(path).await;
            page.fill("Name", name).await;
            page.follow("button", button).await;
            self.see(page, &format!("what {path} made")).await;
        }
        let form = json!({
            "connector": "webhook", "name": "Signed", "companies": [],
            "credentials": {"webhook_url": self.furnished.desk.url("/desk"), "header_key": "X-API-Key", "header_value": "the secret of the desk",
                "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        });
        let id = self.furnished.api.made("api/v1/integrations", form).await;
        page.open(&format!("/settings/integrations/webhook/{id}/credentials"))
            .await;
        page.follow("button", "Make a new secret").await;
        self.see(page, "a signing secret that was made").await;
        page.follow("link", "I have it").await;
        self.see(page, "two signing secrets").await;
    }

    /// What others see of pages that look different to them.
    async fn other_roles(&mut self) {
        let desk = self.desk().await;
        for name in ["vera", "oscar"] {
            let page = self.furnished.signed_in(self.browser, name).await;
            for path in [
                "/keys".to_owned(),
                "/deliveries".to_owned(),
                "/sources".to_owned(),
                format!("{desk}/credentials"),
                format!("{desk}/mappings"),
            ] {
                page.open(&path).await;
                self.see(&page, &format!("{path} of {name}")).await;
            }
        }
    }

    /// Sends each form with nothing in its fields, and looks at what is said of it.
    async fn faults(&mut self, page: &Page, forms: Vec<(String, u64)>) {
        let before = self.count;
        let forms = forms.iter();
        let forms = forms.flat_map(|(path, count)| (0..*count).map(move |number| (path, number)));
        for (path, number) in forms.take(FORMS) {
            page.open(path).await;
            if page.evaluate(&format!("{TYPED}.length > {number}")).await != true {
                continue;
            }
            page.run_and_follow(&sent_empty(number)).await;
            let status = page.status().await;
            assert!(status < 500, "form {number} of {path}: {status}");
            if status >= 400 {
                self.see(page, &format!("form {number} of {path}, empty"))
                    .await;
            }
        }
        assert!(self.count > before + 10, "forms say what is wrong");
    }

    /// Where the pages of a webhook are that works.
    async fn desk(&self) -> String {
        let is_desk = |it: &Value| it["name"] == "Service desk";
        let id = self.furnished.first("integrations?limit=100", is_desk);
        format!("/settings/integrations/webhook/{}", id.await)
    }
}

fn sent_empty(number: u64) -> String {
    format!(
        "(() => {{
  const form = {TYPED}[{number}];
  for (const field of form.elements) {{
    if (field.localName === 'textarea' || ['text', 'password', 'url', 'search'].includes(field.type)) field.value = '';
  }}
  HTMLFormElement.prototype.submit.call(form);
}})()"
    )
}

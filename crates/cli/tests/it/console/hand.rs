//! The set-up flow of the guide, by mouse or by keyboard, with script or without.

use serde_json::json;
use testkit::Target;
use testkit::browser::Page;

use super::PASSWORD;
use super::furnished::{ACME, ADMIN};
use crate::support::{Api, Place, Server};

/// Most strokes of an arrow until the option that is wanted is reached.
const OPTIONS: usize = 50;

/// How somebody works who sets it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Mouse,
    /// Tab, arrows, Space and Enter alone.
    Keyboard,
    /// Where scripts are turned off.
    WithoutScript,
}

impl Hand {
    /// Presses what leads to another page.
    async fn go(self, page: &Page, role: &str, name: &str) {
        if self == Self::Keyboard {
            page.tab_to(role, name).await;
            page.press_and_follow("Enter").await;
        } else {
            page.follow(role, name).await;
        }
    }

    async fn fill(self, page: &Page, label: &str, text: &str) {
        if self == Self::Keyboard {
            page.tab_to("textbox", label).await;
            page.type_text(text).await;
        } else {
            page.fill(label, text).await;
        }
    }

    async fn tick(self, page: &Page, label: &str) {
        if self == Self::Keyboard {
            page.tab_to("checkbox", label).await;
            page.press("Space").await;
        } else {
            page.tick(label, true).await;
        }
    }

    async fn choose(self, page: &Page, label: &str, option: &str) {
        if self != Self::Keyboard {
            return page.choose(label, option).await;
        }
        page.tab_to("combobox", label).await;
        let chosen = "document.activeElement.selectedOptions[0].text.trim()";
        for _ in 0..OPTIONS {
            if page.evaluate(chosen).await == option {
                return;
            }
            page.press("ArrowDown").await;
        }
        panic!("{label} has no option {option}");
    }

    /// Opens the list of a category, which is open already where no script could open it.
    async fn expand(self, page: &Page, category: &str) {
        match self {
            Self::Mouse => page.click("button", category).await,
            Self::Keyboard => {
                page.tab_to("button", category).await;
                page.press("Enter").await;
            }
            Self::WithoutScript => {}
        }
    }
}

/// A server that nobody has used yet, and a webhook to set up.
#[derive(Debug)]
pub struct Begun {
    pub server: Server,
    pub target: Target,
    /// Another key than the one that ends with the set-up.
    pub api: Api,
    _place: Place,
}

impl Begun {
    pub async fn new() -> Self {
        let place = Place::new();
        let mut serve = place.serve();
        serve.env_remove("ALERTWIRE_SETUP__API_KEY");
        let server = Server::start(serve, place.folder.path());
        let api = server
            .api()
            .by(server.said["setup_token"].as_str().unwrap());
        let form = json!({"name": "Of the test", "role": "operator"});
        let made = api.call("POST", "api/v1/keys", Some(form)).await;
        let api = api.by(made.body["key"].as_str().unwrap());
        Self {
            target: Target::start().await,
            server,
            api,
            _place: place,
        }
    }

    /// From the URL that the first start printed to an alert that was delivered.
    pub async fn follow_the_guide(&self, hand: Hand, page: &Page) {
        self.become_the_first_user(hand, page).await;
        add_company(hand, page).await;
        self.credentials(hand, page).await;
        event_set(hand, page).await;
        integration_rule(hand, page).await;
        company_mapping(hand, page).await;
        page.see("heading", "Active The set-up is complete").await;
        let before = self.target.received().len();
        let event =
            json!({"event": "system.asset_added", "company": ACME, "fields": {"ip": "192.0.2.7"}});
        self.api.raise(event).await;
        let received = self.target.requests(before + 1).await;
        let alert = received.last().unwrap();
        assert_eq!(alert.header("alertwire-event"), Some("system.asset_added"));
        assert!(alert.text().contains("192.0.2.7"), "{}", alert.text());
    }

    async fn become_the_first_user(&self, hand: Hand, page: &Page) {
        page.open(self.server.said["setup_url"].as_str().unwrap())
            .await;
        hand.fill(page, "Name", ADMIN).await;
        hand.fill(page, "Password", PASSWORD).await;
        hand.fill(page, "Password again", PASSWORD).await;
        hand.go(page, "button", "Make the user and sign in").await;
        page.see("heading", "Which way do alerts go first?").await;
        hand.go(page, "link", "Skip, to the dashboard").await;
    }

    /// Global > Settings > Integrations, the Webhook tile, and its first tab, which is the only one at first.
    async fn credentials(&self, hand: Hand, page: &Page) {
        hand.go(page, "link", "Integrations").await;
        page.says("Global › Settings").await;
        hand.go(page, "link", "Webhook …").await;
        hand.go(page, "link", "Add").await;
        for label in [
            "Webhook Authentication URL",
            "Webhook Username",
            "Webhook Password",
        ] {
            page.see("textbox", label).await;
        }
        page.see("group", "Selected Associated Companies").await;
        hand.fill(page, "Name", "Service desk").await;
        hand.fill(page, "Webhook URL", &self.target.url("/hook"))
            .await;
        hand.fill(page, "Authentication Header Key", "X-API-Key")
            .await;
        hand.fill(page, "Authentication Header Value", "the key of the desk")
            .await;
        for tab in TABS {
            assert!(
                !page.has("link", tab).await,
                "{tab} before it authenticated"
            );
        }
        hand.go(page, "button", "Save").await;
        for tab in TABS {
            page.see("link", tab).await;
        }
        if hand != Hand::WithoutScript {
            page.says("Saved and authenticated").await;
            let focused = page.focused().await;
            assert_eq!(focused, ("link".to_owned(), TABS[0].to_owned()));
        }
        hand.go(page, "link", TABS[0]).await;
    }
}

/// What there is once the credentials are saved and authenticated.
const TABS: [&str; 3] = ["Event Set", "Integration Rules", "Company Mapping"];

async fn add_company(hand: Hand, page: &Page) {
    hand.go(page, "link", "Companies").await;
    hand.go(page, "link", "Add a company").await;
    hand.fill(page, "Name", ACME).await;
    hand.go(page, "button", "Add the company").await;
}

async fn event_set(hand: Hand, page: &Page) {
    hand.go(page, "link", "Add").await;
    hand.fill(page, "Name", "New assets").await;
    hand.choose(page, "Notify By", "Each event").await;
    hand.expand(page, "System Changes").await;
    hand.tick(page, "New Asset Added").await;
    hand.go(page, "button", "Save").await;
    page.see("dialog", "Confirmation").await;
    page.says("Create an Integration Profile, or save your event set?")
        .await;
    hand.go(page, "button", "Create Integration Profile").await;
}

async fn integration_rule(hand: Hand, page: &Page) {
    hand.fill(page, "Name", "Urgent to the desk").await;
    hand.choose(page, "Event Set", "New assets").await;
    hand.go(page, "button", "Save").await;
    page.see("dialog", "Confirmation").await;
    hand.go(page, "button", "Yes").await;
}

async fn company_mapping(hand: Hand, page: &Page) {
    assert!(!page.has("heading", "Selected Companies").await);
    hand.tick(page, "Acme Corporation…").await;
    // Its event set stands beside the name of a rule.
    hand.tick(page, "Urgent to the desk …").await;
    hand.tick(page, "Create Webhook Alert").await;
    hand.go(page, "button", "Save").await;
    page.see("heading", "Selected Companies").await;
    hand.go(page, "button", "Finish").await;
}

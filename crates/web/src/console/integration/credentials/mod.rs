//! The tab Credentials: saved first, then tried step by step.

mod manage;
mod typed;

use std::collections::{BTreeMap, HashSet};

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use connectors::rotation::OVERLAP;
use domain::IntegrationId;
use domain::access::Actor;
use domain::integration::Integration;
use domain::time::format_duration;
use serde::Deserialize;
use serde_json::Value;

use super::checklist::Checklist;
use super::tabs::{self, Tab, Tabs, find};
use crate::App;
use crate::api::integration::create::insert;
use crate::api::integration::release::may_release;
use crate::api::integration::trial::take_test_send;
use crate::api::integration::update::save;
use crate::api::integration::{Listener, authenticate};
use crate::console::form::{Faults, read};
use crate::console::page::{page_with, see, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Posted, Query};
use typed::Typed;

/// What is beside the page's own fields is said at its top.
const SHOWN: [&str; 18] = [
    "/name",
    "/companies",
    "/credentials/webhook_url",
    "/credentials/authentication_url",
    "/credentials/username",
    "/credentials/password",
    "/credentials/header_key",
    "/credentials/header_value",
    "/credentials/login",
    "/credentials/signing_secret",
    "/credentials/ca",
    "/credentials/client_certificate",
    "/credentials/client_key",
    "/delivery/timeout",
    "/delivery/schedule",
    "/delivery/concurrency",
    "/delivery/rate_per_second",
    "/delivery/group_window",
];
/// Ways that a login is spoken, in words.
const METHODS: [(&str, &str); 5] = [
    ("json", "POST of JSON with user name and password"),
    ("form", "POST of a form with user name and password"),
    ("basic", "HTTP Basic for a token"),
    ("client_credentials", "OAuth 2.0 client credentials"),
    ("password_grant", "OAuth 2.0 password grant"),
];

pub(super) fn routes() -> Router<App> {
    let one = "/settings/integrations/{connector}/{id}";
    Router::new()
        .route(
            "/settings/integrations/{connector}/new",
            get(show_new).post(create),
        )
        .route(&format!("{one}/credentials"), get(show).post(change))
        .merge(manage::routes(one))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    [
        rendered(NewPage::samples()),
        rendered(CredentialsPage::samples()),
        manage::rendered(),
    ]
    .concat()
}

/// The form, with what is wrong with it.
#[derive(Debug)]
struct FormView {
    typed: Typed,
    faults: Faults,
    beside: Vec<String>,
    companies: Vec<Choice>,
    /// There are more companies than are offered.
    is_cut: bool,
    /// Secrets that are set, with the last characters of each.
    secrets: BTreeMap<String, String>,
    methods: [(&'static str, &'static str); 5],
    /// It is there already, so that it can be tried.
    is_stored: bool,
}

/// A company that may be ticked.
#[derive(Debug)]
struct Choice {
    name: String,
    word: String,
    is_ticked: bool,
}

impl FormView {
    fn new(visitor: &Visitor, typed: Typed, faults: Faults, stored: Option<&Integration>) -> Self {
        let (names, is_cut) = typed::companies(&visitor.caller, &typed);
        Self {
            companies: choices(names, &typed),
            is_cut,
            typed,
            beside: faults.beside(&SHOWN),
            faults,
            secrets: stored.map_or_else(BTreeMap::new, |stored| stored.secrets_set.clone()),
            methods: METHODS,
            is_stored: stored.is_some(),
        }
    }

    fn is_set(&self, secret: &str) -> bool {
        self.secrets.contains_key(secret)
    }

    /// What a field says of a secret that is never shown.
    fn secret(&self, name: &str) -> String {
        match self.secrets.get(name).map(String::as_str) {
            None => String::new(),
            Some("") => "set; empty keeps it".to_owned(),
            Some(last) => format!("set, ends with {}; empty keeps it", visible(last)),
        }
    }

    /// What is said of the client key: its field shows no placeholder.
    fn key_hint(&self) -> String {
        match self.is_set("client_key") {
            true => "PEM; one is set and never shown. Empty keeps it.".to_owned(),
            false => "PEM; never shown again.".to_owned(),
        }
    }

    fn is_advanced(&self) -> bool {
        let under = ["/credentials/login", "/credentials/ca", "/delivery"];
        self.typed.is_advanced()
            || under
                .iter()
                .any(|pointer| !self.faults.at(pointer).is_empty())
    }
}

/// A webhook that is not there yet.
#[derive(Debug, Template)]
#[template(path = "integration/new.html")]
struct NewPage {
    frame: Frame,
    connector: String,
    action: String,
    form: FormView,
}

/// The credentials of one, and what the last check of them came to.
#[derive(Debug, Template)]
#[template(path = "integration/credentials.html")]
struct CredentialsPage {
    frame: Frame,
    tabs: Tabs,
    action: String,
    id: String,
    url: String,
    form: FormView,
    /// None before the first check.
    checklist: Option<Checklist>,
    /// The page tries them at once.
    is_checking: bool,
    is_enabled: bool,
    /// Why its gate is closed.
    held: Option<String>,
    /// The visitor may open it: they operate for every company that it serves.
    may_release: bool,
    /// Until when the former signing secret signs too.
    overlap: Option<String>,
    /// How long both signing secrets are to sign, as typed, and what is wrong with it.
    asked_overlap: String,
    overlap_fault: String,
    /// Deliveries wait for it.
    is_waiting: bool,
}

#[derive(Debug, Deserialize)]
struct ShowQuery {
    /// Asked for by the page itself, after its form was stored.
    check: Option<String>,
}

async fn show_new(visitor: Visitor, Path(connector): Path<String>) -> Page {
    Admin::new(visitor.caller.clone())?;
    expect_known(&connector)?;
    let form = FormView::new(&visitor, Typed::new(), Faults::none(), None);
    page(&NewPage::new(&visitor, &connector, form))
}

/// Stores what was typed, then tries it. A page with script asks for the try itself, to show each step as it ends.
async fn create(
    app: State<App>,
    visitor: Visitor,
    Path(connector): Path<String>,
    posted: Posted,
) -> Page {
    let Admin(caller) = visitor.admin(&posted)?;
    expect_known(&connector)?;
    let typed = Typed::posted(&posted);
    let made = match expect_companies(&typed) {
        Ok(()) => insert(&app, &caller, read(&typed.form(&connector, &posted))?.0).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(id) => {
            tried(
                &app,
                &caller.actor(),
                &tabs::path(&connector, id),
                id,
                &posted,
            )
            .await
        }
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let status = faults.status();
            let form = FormView::new(&visitor, typed, faults, None);
            page_with(status, &NewPage::new(&visitor, &connector, form))
        }
    }
}

async fn show(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Path<(String, IntegrationId)>,
    Query(query): Query<ShowQuery>,
) -> Page {
    let (stored, gate) = find(&app, &visitor, &connector, id).await?;
    let typed = Typed::stored(&stored, &visitor.caller);
    let form = FormView::new(&visitor, typed, Faults::none(), Some(&stored));
    let mut view = CredentialsPage::new(&visitor, &stored, &gate, form);
    view.is_checking = query.check.is_some() && visitor.caller.rules_all();
    page(&view)
}

/// Saves what was typed, and tries it: when credentials were changed, or when it was Test that was pressed. So nothing that
/// is typed is lost by a test, and what is tried is what is seen.
async fn change(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Path<(String, IntegrationId)>,
    posted: Posted,
) -> Page {
    let Admin(caller) = visitor.admin(&posted)?;
    let (stored, gate) = find(&app, &visitor, &connector, id).await?;
    let typed = Typed::posted(&posted);
    let patch = typed.patch(&stored, &posted);
    let is_test = posted.text("then") == "test";
    let saved = match expect_companies(&typed) {
        // A test of what is stored already leaves no trace of a change.
        Ok(()) if is_test && typed::is_stored(&patch, &stored, &caller, &posted) => Ok(false),
        Ok(()) => save(&app, &caller, id, read(&patch)?.0).await,
        Err(problem) => Err(problem),
    };
    let path = tabs::path(&connector, id);
    match saved {
        Ok(false) if is_test => {
            if !posted.has("live") {
                take_test_send(&app, &caller)?;
            }
            tried(&app, &caller.actor(), &path, id, &posted).await
        }
        Ok(true) => tried(&app, &caller.actor(), &path, id, &posted).await,
        Ok(false) => Ok(see_told(&format!("{path}/credentials"), Told::Saved)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let status = faults.status();
            let form = FormView::new(&visitor, typed, faults, Some(&stored));
            page_with(
                status,
                &CredentialsPage::new(&visitor, &stored, &gate, form),
            )
        }
    }
}

/// Where the page goes after the credentials were stored.
async fn tried(app: &App, actor: &Actor, path: &str, id: IntegrationId, posted: &Posted) -> Page {
    let page = format!("{path}/credentials");
    if posted.has("live") {
        return Ok(see(&format!("{page}?check=1")));
    }
    let trial = authenticate(app, id, actor, &Listener::nobody()).await?;
    Ok(match trial.ok {
        true => see_told(&page, Told::SavedAndAuthenticated),
        false => see(&page),
    })
}

fn choices(names: Vec<String>, typed: &Typed) -> Vec<Choice> {
    let ticked: HashSet<_> = typed.companies.iter().collect();
    let choice = |name: String| Choice {
        word: visible(&name),
        is_ticked: ticked.contains(&name),
        name,
    };
    names.into_iter().map(choice).collect()
}

/// No company ticked is not the same as all of them, which the API takes an empty list for.
fn expect_companies(typed: &Typed) -> Result<(), Problem> {
    if typed.is_for_all || !typed.companies.is_empty() {
        return Ok(());
    }
    Err(Problem::field(
        "/companies",
        "tick at least one, or choose all companies",
    ))
}

fn expect_known(connector: &str) -> Result<(), Problem> {
    match typed::is_known(connector) {
        true => Ok(()),
        false => Err(Problem::not_found("connector")),
    }
}

impl NewPage {
    fn new(visitor: &Visitor, connector: &str, form: FormView) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Integrations, "New webhook", None),
            connector: connector.to_owned(),
            action: format!("/settings/integrations/{connector}/new"),
            form,
        }
    }

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |form| Self {
            frame: Frame::sample(Here::Integrations),
            connector: "webhook".to_owned(),
            action: "/settings/integrations/webhook/new".to_owned(),
            form,
        };
        FormView::samples().map(page).into()
    }
}

impl CredentialsPage {
    fn new(visitor: &Visitor, stored: &Integration, gate: &delivery::Gate, form: FormView) -> Self {
        let url = stored.fields.get("webhook_url").and_then(Value::as_str);
        let title = format!("Credentials · {}", visible(&stored.name));
        let until = stored.fields.get("signing_secret_previous_until");
        let path = tabs::path(&stored.connector, stored.id);
        Self {
            frame: Frame::new(visitor, Here::Integrations, &title, None),
            tabs: Tabs::new(stored, gate, Tab::Credentials),
            action: format!("{path}/credentials"),
            id: stored.id.to_string(),
            url: visible(url.unwrap_or_default()),
            form,
            checklist: stored.last_check.as_ref().map(Checklist::of),
            is_checking: false,
            is_enabled: stored.enabled,
            held: gate.held().map(|reason| reason.explanation().to_owned()),
            may_release: may_release(stored, &visitor.caller),
            overlap: until.and_then(Value::as_str).map(visible),
            asked_overlap: format_duration(OVERLAP),
            overlap_fault: String::new(),
            is_waiting: stored.authenticated_at.is_none() && stored.checked_at.is_some(),
        }
    }

    /// The page again, when the signing secret could not be changed.
    fn with_overlap(
        visitor: &Visitor,
        stored: &Integration,
        gate: &delivery::Gate,
        posted: &Posted,
        faults: Faults,
    ) -> Self {
        let overlap_fault = faults.at("/overlap").to_owned();
        let typed = Typed::stored(stored, &visitor.caller);
        let mut form = FormView::new(visitor, typed, Faults::none(), Some(stored));
        form.beside = faults.beside(&["/overlap"]);
        Self {
            asked_overlap: posted.text("overlap").to_owned(),
            overlap_fault,
            ..Self::new(visitor, stored, gate, form)
        }
    }

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |form, checklist: Option<Checklist>, is_checking| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(
                Tab::Credentials,
                checklist.as_ref().is_some_and(|list| list.is_good),
            ),
            action: "/settings/integrations/webhook/1/credentials".to_owned(),
            id: "1".to_owned(),
            url: "\"><script>alert(1)</script>".to_owned(),
            form,
            checklist,
            is_checking,
            is_enabled: !is_checking,
            held: Some("<b>\"".to_owned()),
            may_release: is_checking,
            overlap: Some("<b>\"".to_owned()),
            asked_overlap: "<b>\"".to_owned(),
            overlap_fault: "<b>\"".to_owned(),
            is_waiting: true,
        };
        let [empty, faulty, stored] = FormView::samples();
        vec![
            page(empty, None, true),
            page(faulty, Some(Checklist::sample(false)), false),
            page(stored, Some(Checklist::sample(true)), false),
        ]
    }
}

#[cfg(test)]
impl FormView {
    fn samples() -> [Self; 3] {
        let hostile = "\"><script>alert(1)</script>";
        let names = || vec!["Acme".to_owned(), hostile.to_owned()];
        let form = |typed: Typed, faults: Faults| Self {
            companies: choices(names(), &typed),
            is_cut: true,
            typed,
            beside: faults.beside(&SHOWN),
            faults,
            secrets: BTreeMap::from([("password".to_owned(), "<b>\"".to_owned())]),
            methods: METHODS,
            is_stored: true,
        };
        let mut typed = Typed::new();
        typed.name = hostile.to_owned();
        typed.companies = vec![hostile.to_owned()];
        typed.is_for_all = false;
        [
            form(Typed::new(), Faults::none()),
            form(typed.clone(), Faults::field("/credentials/login", hostile)),
            form(typed, Faults::field("/other", hostile)),
        ]
    }
}

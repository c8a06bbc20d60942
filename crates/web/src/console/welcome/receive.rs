//! To receive: a source with a secret of our making, what to type at the sender, and the first alert that comes.

use askama::Template;
use axum::extract::State;
use domain::SourceId;
use serde_json::json;
use store::{EventQuery, PageAt};

use crate::App;
use crate::api::key::create::new_secret;
use crate::api::source::{self, create};
use crate::console::form::{Faults, read};
use crate::console::page::page_with;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Id, Posted};

const SHOWN: [&str; 2] = ["/name", "/company"];
/// The header that the sender is told to send.
const KEY: &str = "X-API-Key";

#[derive(Debug, Template)]
#[template(path = "welcome/receive.html")]
pub(super) struct ReceivePage {
    frame: Frame,
    name: String,
    company: String,
    faults: Faults,
    beside: Vec<String>,
}

/// The source that was made. Its secret stands on this page and on no other.
#[derive(Debug, Template)]
#[template(path = "welcome/made.html")]
pub(super) struct MadePage {
    frame: Frame,
    id: String,
    name: String,
    url: String,
    key: &'static str,
    value: String,
}

/// What has come by the source so far.
#[derive(Debug, Template)]
#[template(path = "welcome/wait.html")]
pub(super) struct WaitPage {
    frame: Frame,
    name: String,
    url: String,
    first: Option<(String, Shown)>,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    let companies = visitor.caller.configuration.companies();
    let company = companies.map(|company| company.name.clone()).min();
    page(&ReceivePage {
        frame: Frame::new(&visitor, Here::Welcome, "Receive alerts", None),
        name: String::new(),
        company: company.unwrap_or_default(),
        faults: Faults::none(),
        beside: Vec::new(),
    })
}

pub(super) async fn save(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let value = new_secret(&app);
    match make(&app, admin, &posted, value.reveal()).await {
        Ok((id, url)) => page(&MadePage {
            frame: Frame::new(&visitor, Here::Welcome, "Receive alerts", None),
            id,
            name: visible(posted.text("name").trim()),
            url,
            key: KEY,
            value: value.reveal().clone(),
        }),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            page_with(
                faults.status(),
                &ReceivePage::again(&visitor, &posted, faults),
            )
        }
    }
}

/// Makes the company, when it is a new one, and the source, whose alerts are that company's.
async fn make(
    app: &App,
    admin: Admin,
    posted: &Posted,
    value: &str,
) -> Result<(String, String), Problem> {
    let caller = super::company(app, admin, posted.text("company").trim()).await?;
    let mut form = json!({
        "name": posted.text("name"),
        "authentication": {"header": {"key": KEY, "value": value}},
    });
    if !posted.text("company").trim().is_empty() {
        form["company"] = posted.text("company").trim().into();
    }
    let form = read(&form)?;
    let (_, made) = create::create(State(app.clone()), Admin(caller), form).await?;
    Ok((made.0.id, made.0.intake_url))
}

/// Waits for the first alert. It comes again by itself until there is one.
pub(super) async fn wait(app: State<App>, visitor: Visitor, Id(id): Id<SourceId>) -> Page {
    let found = source::find(id, &visitor.caller)?;
    let query = EventQuery {
        source: Some(id),
        ..EventQuery::default()
    };
    let one = PageAt::new(Some(1), None);
    let events = app
        .store()
        .events(visitor.caller.scope(), &query, &one)
        .await?;
    let first = events.items.into_iter().next();
    page(&WaitPage {
        frame: Frame::new(&visitor, Here::Welcome, "The first alert", None),
        name: visible(&found.name),
        url: source::intake_url(found, &app),
        first: first.map(|event| (event.id.to_string(), Shown::line(&event.subject, ROW))),
    })
}

impl ReceivePage {
    fn again(visitor: &Visitor, posted: &Posted, faults: Faults) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Welcome, "Receive alerts", None),
            name: posted.text("name").to_owned(),
            company: posted.text("company").to_owned(),
            beside: faults.beside(&SHOWN),
            faults,
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><script>alert(1)</script>";
        let page = |text: &str, faults: Faults| Self {
            frame: Frame::sample(Here::Welcome),
            name: text.to_owned(),
            company: text.to_owned(),
            beside: faults.beside(&SHOWN),
            faults,
        };
        vec![
            page("", Faults::none()),
            page(hostile, Faults::field("/name", hostile)),
        ]
    }
}

impl MadePage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Welcome),
            id: "1".to_owned(),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            url: "https://alerts.example.com/intake/1".to_owned(),
            key: KEY,
            value: "aw_1".to_owned(),
        }]
    }
}

impl WaitPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let page = |first| Self {
            frame: Frame::sample(Here::Welcome),
            name: hostile.to_owned(),
            url: "https://alerts.example.com/intake/1".to_owned(),
            first,
        };
        vec![
            page(None),
            page(Some(("1".to_owned(), Shown::line(hostile, ROW)))),
        ]
    }
}

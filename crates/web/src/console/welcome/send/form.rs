use askama::Template;
use axum::extract::State;
use domain::IntegrationId;
use serde_json::{Value, json};

use super::complete;
use crate::App;
use crate::api::integration;
use crate::console::form::{Faults, read};
use crate::console::page::{page_with, see};
use crate::console::welcome::company;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Posted};

/// The fields that stand on the page, by the pointers of the API's form.
const SHOWN: [&str; 5] = [
    "/name",
    "/company",
    "/credentials/webhook_url",
    "/credentials/header_key",
    "/credentials/header_value",
];

#[derive(Debug, Template)]
#[template(path = "welcome/send.html")]
pub(in crate::console::welcome) struct SendPage {
    frame: Frame,
    name: String,
    webhook_url: String,
    company: String,
    header_key: String,
    faults: Faults,
    beside: Vec<String>,
}

pub(in crate::console::welcome) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    let companies = visitor.caller.configuration.companies();
    let company = companies.map(|company| company.name.clone()).min();
    let page_of = SendPage {
        frame: Frame::new(&visitor, Here::Welcome, "Send alerts", None),
        name: String::new(),
        webhook_url: String::new(),
        company: company.unwrap_or_default(),
        header_key: String::new(),
        faults: Faults::none(),
        beside: Vec::new(),
    };
    page(&page_of)
}

/// Makes the company, when it is a new one, and the webhook, which is tried at once; then all that an alert still needs.
pub(in crate::console::welcome) async fn save(
    app: State<App>,
    visitor: Visitor,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    match make(&app, admin, &posted).await {
        Ok(path) => Ok(see(&path)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let status = faults.status();
            page_with(status, &SendPage::again(&visitor, &posted, faults))
        }
    }
}

async fn make(app: &App, admin: Admin, posted: &Posted) -> Result<String, Problem> {
    let name = posted.text("company").trim();
    let caller = company(app, admin, name).await?;
    let mut credentials = json!({"webhook_url": posted.text("webhook_url").trim()});
    for field in ["header_key", "header_value"] {
        if !posted.text(field).is_empty() {
            credentials[field] = Value::from(posted.text(field));
        }
    }
    let form = json!({
        "connector": "webhook",
        "name": posted.text("name"),
        "companies": [name],
        "credentials": credentials,
    });
    let admin = Admin(caller.clone());
    let (_, made) = integration::create::create(State(app.clone()), admin, read(&form)?).await?;
    let id: IntegrationId = made
        .0
        .id
        .parse()
        .map_err(|_| Problem::internal("a new id is none"))?;
    complete(app, &caller, id).await?;
    Ok(format!("/welcome/send/{id}"))
}

impl SendPage {
    fn again(visitor: &Visitor, posted: &Posted, faults: Faults) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Welcome, "Send alerts", None),
            name: posted.text("name").to_owned(),
            webhook_url: posted.text("webhook_url").to_owned(),
            company: posted.text("company").to_owned(),
            header_key: posted.text("header_key").to_owned(),
            beside: faults.beside(&SHOWN),
            faults,
        }
    }

    #[cfg(test)]
    pub(in crate::console::welcome) fn samples() -> Vec<Self> {
        let page = |text: &str, faults: Faults| Self {
            frame: Frame::sample(Here::Welcome),
            name: text.to_owned(),
            webhook_url: text.to_owned(),
            company: text.to_owned(),
            header_key: text.to_owned(),
            beside: faults.beside(&SHOWN),
            faults,
        };
        let hostile = "\"><script>alert(1)</script>";
        vec![
            page("", Faults::none()),
            page(hostile, Faults::field("/credentials/webhook_url", hostile)),
            page(hostile, Faults::field("/delivery", hostile)),
        ]
    }
}

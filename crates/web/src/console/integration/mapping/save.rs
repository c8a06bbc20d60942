use axum::extract::State;
use domain::CompanyId;
use domain::mapping::MappedTo;
use serde_json::{Value, json};

use super::super::step::{Of, Step};
use super::super::tabs::Tab;
use super::show::{Asked, MappingsPage, Typed};
use crate::App;
use crate::api::mapping::{put, put_many};
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::rule::{DAY, Outcome};
use crate::console::told::Told;
use crate::console::{Page, page};
use crate::problem::Problem;
use crate::read::{Id, Ids, Mapped, Posted};

/// Says the same of several companies. Mappings that are there are not replaced unasked.
pub(super) async fn several(app: State<App>, step: Step, posted: Posted) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let typed = Typed::posted(&posted, None);
    let asked = Asked::default();
    if let Some(faults) = incomplete(&typed) {
        let view = MappingsPage::new(&step, &asked, Some((typed, faults)))?;
        return page_with(view.status(), &view);
    }
    if posted.text("then") == "try" {
        return try_it(&app, &step, &asked, typed).await;
    }
    let replaced = replaced(&step, &typed);
    if replaced > 0 && posted.text("then") != "save" {
        let mut view = MappingsPage::new(&step, &asked, Some((typed, Faults::none())))?;
        view.ask(replaced);
        return page(&view);
    }
    let form = form::read(&json!({
        "companies": companies(&typed),
        "rules": typed.rules,
        "create_webhook_alert": typed.create_webhook_alert,
    }))?;
    let saved = put_many::put_many(app, admin, Id(step.integration.id), form).await;
    finish(&step, &asked, typed, saved.map(drop))
}

/// Changes the mapping of one company, or that of all.
pub(super) async fn one(
    app: State<App>,
    step: Step,
    Of(company): Of<Mapped>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let typed = Typed::posted(&posted, Some(company));
    let asked = Asked::editing(company);
    if let Some(faults) = incomplete(&typed) {
        let view = MappingsPage::new(&step, &asked, Some((typed, faults)))?;
        return page_with(view.status(), &view);
    }
    if posted.text("then") == "try" {
        return try_it(&app, &step, &asked, typed).await;
    }
    let form = form::read(&json!({
        "rules": typed.rules,
        "create_webhook_alert": typed.create_webhook_alert,
    }))?;
    let saved = put::put(app, admin, Ids(step.integration.id, company), form).await;
    finish(&step, &asked, typed, saved.map(drop))
}

/// The companies that were saved, or the form with what is wrong with it.
fn finish(step: &Step, asked: &Asked, typed: Typed, saved: Result<(), Problem>) -> Page {
    match saved {
        Ok(()) => {
            let path = format!("{}#selected", step.path(Tab::Mapping));
            Ok(see_told(&path, Told::Saved))
        }
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let view = MappingsPage::new(step, asked, Some((typed, faults)))?;
            page_with(view.status(), &view)
        }
    }
}

/// What the API would take as it is, and nobody can have meant.
fn incomplete(typed: &Typed) -> Option<Faults> {
    let all = Mapped::All.to_string();
    if typed.companies.is_empty() {
        Some(Faults::field("/companies", "tick at least one company"))
    } else if typed.companies.contains(&all) && typed.companies.len() > 1 {
        let detail = "tick either all companies or some of them; a company's own mapping wins over that of all";
        Some(Faults::field("/companies", detail))
    } else if typed.rules.is_empty() {
        Some(Faults::field("/rules", "tick at least one rule"))
    } else {
        None
    }
}

/// Companies of the form, as the API takes them.
fn companies(typed: &Typed) -> Value {
    if typed.companies.iter().any(|company| company == "all") {
        json!("all")
    } else {
        json!(typed.companies)
    }
}

/// How many of the companies have a mapping that says something else.
fn replaced(step: &Step, typed: &Typed) -> usize {
    let configuration = &step.visitor.caller.configuration;
    let differs = |company: &&String| {
        let of = match company.as_str() {
            "all" => Some(MappedTo::All),
            id => id.parse::<CompanyId>().ok().map(MappedTo::Company),
        };
        let mapping = of.and_then(|of| configuration.mapping(step.integration.id, of));
        mapping.is_some_and(|mapping| {
            let rules = mapping.rules.iter().map(ToString::to_string);
            let same = rules.eq(typed.rules.iter().cloned());
            !same || mapping.create_webhook_alert != typed.create_webhook_alert
        })
    };
    typed.companies.iter().filter(differs).count()
}

/// What the mapping would have done to the events of the last day.
async fn try_it(app: &State<App>, step: &Step, asked: &Asked, typed: Typed) -> Page {
    let entry = |company: &String| {
        json!({
            "integration_id": step.integration.id.to_string(),
            "company": company,
            "rules": typed.rules,
            "create_webhook_alert": typed.create_webhook_alert,
        })
    };
    let entries: Vec<_> = typed.companies.iter().map(entry).collect();
    let change = json!({"mappings": entries});
    match Outcome::of(app, &step.visitor.caller, DAY, &change).await {
        Ok(outcome) => {
            let mut view = MappingsPage::new(step, asked, Some((typed, Faults::none())))?;
            view.show_outcome(outcome);
            page(&view)
        }
        Err(problem) => finish(step, asked, typed, Err(problem)),
    }
}

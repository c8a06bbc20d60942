//! From the first user to the first test alert, in three steps: who, which way, a test.

mod choose;
mod receive;
mod send;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use super::form::read;
use crate::App;
use crate::api::company;
use crate::problem::Problem;
use crate::read::{Admin, Caller};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/welcome", get(choose::show))
        .route(
            "/welcome/send",
            get(send::form::show).post(send::form::save),
        )
        .route("/welcome/send/{id}", get(send::test::show))
        .route("/welcome/send/{id}/check", post(send::test::check))
        .route("/welcome/send/{id}/event", post(send::test::raise))
        .route("/welcome/receive", get(receive::show).post(receive::save))
        .route("/welcome/receive/{id}", get(receive::wait))
}

/// The same caller before what has just been changed.
async fn newest(app: &App, caller: &Caller) -> Result<Caller, Problem> {
    Ok(caller.before(app.store().newest_configuration().await?))
}

/// Whoever sets up, with a company of this name there: a new one is made, none when there is no name.
async fn company(app: &App, Admin(caller): Admin, name: &str) -> Result<Caller, Problem> {
    let mut companies = caller.configuration.companies();
    let is_there = companies.any(|company| company.name == name);
    drop(companies);
    if name.is_empty() || is_there {
        return Ok(caller);
    }
    let form = read(&json!({"name": name}))?;
    let made = company::create::create(State(app.clone()), Admin(caller.clone()), form).await;
    let _ = made.map_err(|problem| at_company(&problem))?;
    newest(app, &caller).await
}

/// What is wrong with the company's name is said at its field.
fn at_company(problem: &Problem) -> Problem {
    match problem.status() {
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT => {
            let detail = problem.errors().next().map(|(_, detail)| detail.to_owned());
            let detail = detail.unwrap_or_else(|| problem.detail().to_owned());
            Problem::field("/company", detail)
        }
        _ => problem.clone(),
    }
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(choose::ChoosePage::samples()),
        rendered(send::form::SendPage::samples()),
        rendered(send::test::TestPage::samples()),
        rendered(receive::ReceivePage::samples()),
        rendered(receive::MadePage::samples()),
        rendered(receive::WaitPage::samples()),
    ]
    .concat()
}

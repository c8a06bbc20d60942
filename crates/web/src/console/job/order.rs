//! Orders to a job: whoever gives one sees what came of it on the job's page.

use axum::extract::State;
use axum::routing::{MethodRouter, post};
use delivery::replay::Asked;
use domain::JobId;
use http::StatusCode;
use store::{Job, JobKind};

use super::place;
use crate::App;
use crate::api::job::steer;
use crate::console::page::see;
use crate::console::{Page, Visitor};
use crate::problem::Problem;
use crate::read::{Id, Operator, Posted};

/// Takes the orders to jobs of a kind.
pub(super) fn orders(kind: JobKind) -> MethodRouter<App> {
    post(
        move |app: State<App>, visitor: Visitor, Id(id): Id<JobId>, posted: Posted| async move {
            give(&app, &visitor, (kind, id), &posted).await
        },
    )
}

async fn give(app: &App, visitor: &Visitor, (kind, id): (JobKind, JobId), posted: &Posted) -> Page {
    let Operator(caller) = visitor.operator(posted)?;
    let asked = match posted.text("order") {
        "pause" => Asked::Pause,
        "resume" => Asked::Resume,
        "cancel" => Asked::Cancel,
        _ => return Err(Problem::not_found("order")),
    };
    obeyed(steer(app, &caller, kind, id, asked).await)?;
    Ok(see(&format!("/{}/{id}", place(kind))))
}

/// A job that has ended meanwhile is no fault: its page says so.
fn obeyed(given: Result<Job, Problem>) -> Result<(), Problem> {
    match given {
        Err(problem) if problem.status() != StatusCode::CONFLICT => Err(problem),
        _ => Ok(()),
    }
}

//! `alertwire connect ID`: checks an integration, each step printed as it ends.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::Value;

use super::{Session, good_if, segment, text};
use crate::api::{Api, Events, refused};
use crate::arguments::ConnectArguments;
use crate::exit::{Ending, Failure};
use crate::output::is_watched;

/// Over the whole check: both connections, a login and a test alert, each with a deadline of its own on the server.
const LONGEST_CHECK: Duration = Duration::from_secs(300);
/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(120);

pub(super) async fn run(arguments: ConnectArguments, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    let path = format!("api/v1/integrations/{}/check", segment(&arguments.id)?);
    let spinner = spinner();
    let check = tokio::time::timeout(LONGEST_CHECK, follow(&api, &path, &spinner, session))
        .await
        .unwrap_or_else(|_| {
            let message = format!("the check did not end within {LONGEST_CHECK:?}");
            Err(Failure::unavailable(message))
        });
    spinner.finish_and_clear();
    let check = check?;
    if session.out.json {
        session.out.value(&check)?;
    }
    Ok(good_if(check["ok"] == true))
}

/// Prints the steps until the whole report is there, and gives that.
async fn follow(
    api: &Api,
    path: &str,
    spinner: &ProgressBar,
    session: &mut Session<'_>,
) -> Result<Value, Failure> {
    let mut events: Events = api.events_of_post(path).await?;
    loop {
        let Some((name, data)) = events.named().await? else {
            return Err(Failure::unavailable("the server broke the check off"));
        };
        match name.as_str() {
            "check" => return Ok(data),
            "problem" => return Err(refused(data)),
            "step" if !session.out.json => {
                spinner.suspend(|| print(&data, session))?;
                spinner.set_message(format!("after {}", text(&data, "/name")));
            }
            _ => {}
        }
    }
}

fn print(step: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    let mark = match (step["ok"] == true, step["warning"] == true) {
        (false, _) => "FAILED",
        (true, true) => "look",
        (true, false) => "ok",
    };
    let millis = step["millis"].as_f64().unwrap_or_default();
    let (name, detail) = (text(step, "/name"), text(step, "/detail"));
    session
        .out
        .line(format!("{mark:<6}  {name:<18}  {millis:>9.1} ms  {detail}"))?;
    for (label, pointer) in [("cause", "/cause"), ("remedy", "/remedy")] {
        let words = text(step, pointer);
        if !words.is_empty() {
            session.out.line(format!("        {label}: {words}"))?;
        }
    }
    Ok(session.out.flush()?)
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if !is_watched() {
        spinner.set_draw_target(ProgressDrawTarget::hidden());
        return spinner;
    }
    spinner.set_message("checking");
    spinner.enable_steady_tick(TURN);
    spinner
}

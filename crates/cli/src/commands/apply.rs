//! `alertwire apply FILE`: makes the configuration of a server what a file says.

use serde_json::Value;

use super::{Session, good_if, text};
use crate::arguments::ApplyArguments;
use crate::config::client::Client;
use crate::config::document;
use crate::exit::{Ending, Failure};
use crate::output::{Table, talk};

/// Longest value that the table shows, in characters.
const SHOWN: usize = 60;

pub(super) async fn run(arguments: ApplyArguments, session: &mut Session<'_>) -> Ending {
    let layers = session.layers(Vec::new())?;
    let document = document::read(&arguments.file, &layers.environment)?;
    let client = Client::read(&layers, arguments.server.url.as_deref())?;
    let path = format!(
        "api/v1/configuration?dry_run={}&prune={}",
        arguments.dry_run, arguments.prune
    );
    let applied = crate::api::Api::new(&client)?.put(&path, &document).await?;
    let checks = applied["checks"].as_array().map_or(&[][..], Vec::as_slice);
    let good = checks.iter().all(|check| check["ok"] != false);
    if session.out.json {
        session.out.value(&applied)?;
    } else {
        show(&applied, session)?;
        summarise(&applied, checks);
    }
    Ok(good_if(good))
}

/// `+` is made, `~` is changed, `-` is removed; of what is changed each field.
fn show(applied: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&["", "WHAT", "NAME", "FIELD", "OLD", "NEW"]);
    for change in applied["changes"].as_array().into_iter().flatten() {
        let (what, name) = (text(change, "/what"), text(change, "/name"));
        match text(change, "/action") {
            "insert" => table.row(["+", what, name, "", "", ""]),
            "remove" => table.row(["-", what, name, "", "", ""]),
            _ => {
                for field in change["fields"].as_array().into_iter().flatten() {
                    let (old, new) = (shown(&field["old"]), shown(&field["new"]));
                    table.row(["~", what, name, text(field, "/pointer"), &old, &new]);
                }
            }
        }
    }
    if !table.is_empty() {
        session.out.table(&table)?;
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    let whole = match value {
        Value::Null => "(not set)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if whole.chars().count() <= SHOWN {
        return whole;
    }
    let begin: String = whole.chars().take(SHOWN - 1).collect();
    format!("{begin}…")
}

fn summarise(applied: &Value, checks: &[Value]) {
    for check in checks {
        let name = text(check, "/integration");
        match check["ok"].as_bool() {
            Some(true) => talk(format!("{name}: authenticated")),
            Some(false) => talk(format!(
                "{name}: NOT authenticated, so nothing is sent: {}",
                fault(check)
            )),
            None => talk(format!(
                "{name}: not tried yet; `alertwire connect {}` does it",
                text(check, "/id")
            )),
        }
    }
    let count = applied["changes"].as_array().map_or(0, Vec::len);
    let changes = if count == 1 { "change" } else { "changes" };
    match (count, applied["dry_run"] == true) {
        (0, _) => talk("nothing to change"),
        (_, true) => talk(format!("{count} {changes} would be made")),
        (_, false) => talk(format!(
            "{count} {changes} made; the configuration has epoch {}",
            applied["epoch"]
        )),
    }
}

/// The first step that was not good.
fn fault(check: &Value) -> String {
    let mut steps = check["steps"].as_array().into_iter().flatten();
    match steps.find(|step| step["ok"] == false) {
        Some(step) => format!("{}: {}", text(step, "/name"), text(step, "/detail")),
        None => "the test alert was not received".to_owned(),
    }
}

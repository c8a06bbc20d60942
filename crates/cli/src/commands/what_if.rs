//! `alertwire what-if FILE`: where stored events would go under another configuration.

use serde_json::{Map, Value, json};

use super::{Session, text};
use crate::arguments::WhatIfArguments;
use crate::config::files;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk, waiting};

/// Longest file, in bytes: what the server takes.
const BYTES: u64 = 1024 * 1024;
/// What a question may hold beside the change.
const QUESTION: [&str; 5] = ["change", "days", "since", "until", "filter"];

pub(super) async fn run(arguments: WhatIfArguments, session: &mut Session<'_>) -> Ending {
    let question = question(&arguments)?;
    let api = session.api(&arguments.server)?;
    let asked = api.post("api/v1/what-if", &question);
    let answer = waiting("matching stored events", asked).await?;
    if session.out.json {
        session.out.value(&answer)?;
    } else {
        print(&answer, session)?;
    }
    Ok(Code::Ok)
}

/// The file is a whole question or the change alone; what the command line says goes before what the file says.
fn question(arguments: &WhatIfArguments) -> Result<Value, Failure> {
    let bytes = files::named(&arguments.file, BYTES)?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::data(format!("the change is not JSON: {error}")))?;
    let Value::Object(object) = value else {
        return Err(Failure::data("the change is not a JSON object")
            .help(r#"write it as {"remove": {"rules": ["…"]}}; an empty change is {}"#));
    };
    let is_whole = object.keys().any(|key| QUESTION.contains(&key.as_str()));
    let mut question = match is_whole {
        true => object,
        false => Map::from_iter([("change".to_owned(), Value::Object(object))]),
    };
    if let Some(days) = arguments.days {
        question.remove("since");
        question.remove("until");
        question.insert("days".to_owned(), json!(days));
    }
    if let Some(filter) = &arguments.filter {
        question.insert("filter".to_owned(), json!(filter));
    }
    Ok(Value::Object(question))
}

fn print(answer: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    session.out.line(format!(
        "{} events: {} same, {} gained, {} lost, {} moved",
        answer["events"], answer["same"], answer["gained"], answer["lost"], answer["moved"]
    ))?;
    if answer["complete"] == false {
        let oldest = text(answer, "/oldest_examined");
        talk(format!(
            "only events since {oldest} were looked at; there are too many"
        ));
    }
    let mut table = Table::new(&["GO TO", "BEFORE", "AFTER"]);
    for integration in answer["integrations"].as_array().into_iter().flatten() {
        let (before, after) = (
            integration["before"].to_string(),
            integration["after"].to_string(),
        );
        table.row([text(integration, "/name"), &before, &after]);
    }
    for (reason, before, after) in reasons(answer) {
        table.row([format!("nowhere: {reason}"), before, after]);
    }
    session.out.table(&table)?;
    let unmapped = &answer["companies_without_mapping"];
    if *unmapped != 0 {
        session
            .out
            .line(format!("{unmapped} companies have no mapping"))?;
    }
    let mut table = Table::new(&["EVENT", "COMPANY", "BEFORE", "AFTER", "SUBJECT"]);
    for example in answer["examples"].as_array().into_iter().flatten() {
        table.row([
            text(example, "/event_id"),
            text(example, "/company/name"),
            &way(example, "before"),
            &way(example, "after"),
            text(example, "/subject"),
        ]);
    }
    match table.is_empty() {
        true => Ok(()),
        false => Ok(session.out.table(&table)?),
    }
}

/// Each reason of either side with its two counts.
fn reasons(answer: &Value) -> Vec<(String, String, String)> {
    let side = |side: &str| {
        answer["reasons"][side]
            .as_object()
            .cloned()
            .unwrap_or_default()
    };
    let (before, after) = (side("before"), side("after"));
    let mut reasons: Vec<&String> = before.keys().chain(after.keys()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let count = |side: &Map<String, Value>, reason: &String| {
        side.get(reason)
            .map_or_else(|| "0".to_owned(), Value::to_string)
    };
    reasons
        .into_iter()
        .map(|reason| {
            (
                reason.clone(),
                count(&before, reason),
                count(&after, reason),
            )
        })
        .collect()
}

/// The names of the integrations that an example goes to, or why it goes nowhere.
fn way(example: &Value, side: &str) -> String {
    let integrations = example[side].as_array().into_iter().flatten();
    let names: Vec<&str> = integrations.map(|one| text(one, "/name")).collect();
    match names.is_empty() {
        true => format!("({})", text(example, &format!("/reason_{side}"))),
        false => names.join(", "),
    }
}

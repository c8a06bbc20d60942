//! `alertwire journal verify`: follows the proof to its end, and asks about receipts.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::replay::number;
use super::{Session, good_if, text};
use crate::api::{Api, refused};
use crate::arguments::{JournalCommand, VerifyArguments};
use crate::config::files;
use crate::exit::{Ending, Failure};
use crate::output::{is_watched, talk};

const VERIFY: &str = "api/v1/journal/verify";
const RECEIPTS: &str = "api/v1/journal/receipts";
/// Longest file of receipts, in bytes: some millions of them.
const FILE_BYTES: u64 = 1 << 30;
/// Receipts of one request.
const AT_ONCE: usize = 1_000;

pub(super) async fn run(command: JournalCommand, session: &mut Session<'_>) -> Ending {
    match command {
        JournalCommand::Verify(arguments) => verify(arguments, session).await,
    }
}

async fn verify(arguments: VerifyArguments, session: &mut Session<'_>) -> Ending {
    // A file that cannot be read is said before the long work.
    let file = arguments.receipts.as_deref();
    let receipts = file
        .map(|path| files::named(path, FILE_BYTES))
        .transpose()?;
    let api = session.api(&arguments.server)?;
    let bar = bar();
    let report = follow(&api, &bar).await;
    bar.finish_and_clear();
    let mut report = report?;
    if let Some(receipts) = receipts {
        let text = String::from_utf8(receipts)
            .map_err(|_| Failure::data("the receipts are not UTF-8 text"))?;
        report["receipts"] = prove(&text, &api).await?;
    }
    let whole = report["whole"] == true && report["receipts"]["whole"] != false;
    report["whole"] = json!(whole);
    print(&report, session)?;
    Ok(good_if(whole))
}

async fn follow(api: &Api, bar: &ProgressBar) -> Result<Value, Failure> {
    let mut events = api.events_of_post(VERIFY).await?;
    loop {
        let Some((name, data)) = events.named().await? else {
            return Err(Failure::unavailable("the server broke the proof off"));
        };
        match name.as_str() {
            "report" => return Ok(data),
            "problem" => return Err(refused(data)),
            "progress" => {
                bar.set_length(number(&data, "/messages"));
                bar.set_position(number(&data, "/done"));
                bar.set_message(text(&data, "/what").to_owned());
            }
            _ => {}
        }
    }
}

/// Asks about the receipts, some at a time; what is found is added up.
async fn prove(text: &str, api: &Api) -> Result<Value, Failure> {
    let mut whole = json!({"whole": true, "kept": 0, "pruned": 0, "faults": []});
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    for some in lines.chunks(AT_ONCE) {
        let receipts = some
            .iter()
            .map(|(place, line)| {
                serde_json::from_str::<Value>(line).map_err(|error| {
                    Failure::data(format!("line {} of the receipts: {error}", place + 1))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let answer = api.post(RECEIPTS, &json!({"receipts": receipts})).await?;
        for key in ["kept", "pruned"] {
            let sum = number(&whole, &format!("/{key}")) + number(&answer, &format!("/{key}"));
            whole[key] = json!(sum);
        }
        if let (Some(all), Some(more)) =
            (whole["faults"].as_array_mut(), answer["faults"].as_array())
        {
            all.extend(more.iter().cloned());
        }
    }
    let is_whole = whole["faults"].as_array().is_none_or(Vec::is_empty);
    whole["whole"] = json!(is_whole);
    Ok(whole)
}

fn print(report: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(report)?);
    }
    let count = |pointer| number(report, pointer);
    session.out.line(format!(
        "{} messages and {} events are there; {} messages were sealed, {} of them pruned, {} are newer than the seal",
        count("/messages"),
        count("/events"),
        count("/sealed"),
        count("/pruned"),
        count("/unsealed")
    ))?;
    session
        .out
        .line(format!("seal {}", text(report, "/seal")))?;
    for fault in report["faults"].as_array().into_iter().flatten() {
        let what: Vec<&str> = ["/kind", "/day", "/message", "/event", "/detail"]
            .map(|pointer| text(fault, pointer))
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        session.out.line(format!("AMISS  {}", what.join("  ")))?;
    }
    let told = report["faults"].as_array().map_or(0, Vec::len) as u64;
    if count("/fault_count") > told {
        talk(format!("{} more are amiss", count("/fault_count") - told));
    }
    receipts(&report["receipts"], session)?;
    let verdict = match report["whole"] == true {
        true => "the journal is whole",
        false => "the journal is NOT whole",
    };
    Ok(session.out.line(verdict)?)
}

fn receipts(report: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if report.is_null() {
        return Ok(());
    }
    let (kept, pruned) = (number(report, "/kept"), number(report, "/pruned"));
    session.out.line(format!(
        "receipts: {kept} there unchanged, {pruned} of days of which messages were pruned"
    ))?;
    for fault in report["faults"].as_array().into_iter().flatten() {
        let (state, id) = (text(fault, "/state"), text(fault, "/id"));
        session.out.line(format!("AMISS  receipt  {id}  {state}"))?;
    }
    Ok(())
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if !is_watched() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

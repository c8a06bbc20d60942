//! `alertwire replay start`, `list`, `show`, `pause`, `resume` and `cancel`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};

use super::{Session, good_if, segment, text};
use crate::api::Api;
use crate::arguments::{ReplayCommand, ReplayNamed, ReplayStart};
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, is_watched, talk};

const REPLAYS: &str = "api/v1/replays";
/// What is said when nobody watches any more.
const ENDS: &str = "the replay goes on; `alertwire replay cancel` ends it";
/// How often a job that is watched is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(command: ReplayCommand, session: &mut Session<'_>) -> Ending {
    match command {
        ReplayCommand::Start(arguments) => start(*arguments, session).await,
        ReplayCommand::List { limit, server } => {
            let limit = [("limit".to_owned(), limit.to_string())];
            let page = session.api(&server)?.get(REPLAYS, &limit).await?;
            list(&page, session)?;
            Ok(Code::Ok)
        }
        ReplayCommand::Show(asked) => {
            let api = session.api(&asked.named.server)?;
            let path = format!("{REPLAYS}/{}", segment(&asked.named.id)?);
            let job = api.get(&path, &[]).await?;
            shown(job, asked.watch, &api, session).await
        }
        ReplayCommand::Pause(named) => order(&named, "pause", false, session).await,
        ReplayCommand::Resume(asked) => order(&asked.named, "resume", asked.watch, session).await,
        ReplayCommand::Cancel(named) => order(&named, "cancel", false, session).await,
    }
}

async fn start(arguments: ReplayStart, session: &mut Session<'_>) -> Ending {
    let mut body = json!({"rate_per_second": arguments.rate, "dry_run": arguments.dry_run});
    match arguments.unrouted {
        Some(keys) => body["unrouted"] = object(keys)?,
        None if arguments.filters.is_empty() => {
            let failure = Failure::usage("say what is to be replayed");
            return Err(failure.help(
                "`--where status=dead` takes all that failed, `--unrouted` all events that went nowhere",
            ));
        }
        None => body["filter"] = object(arguments.filters)?,
    }
    if let Some(to) = arguments.to {
        body["to"] = json!(to);
    }
    let api = session.api(&arguments.server)?;
    let answer = api.post(REPLAYS, &body).await?;
    if arguments.dry_run {
        previewed(&answer, session)?;
        return Ok(Code::Ok);
    }
    shown(answer, arguments.watch, &api, session).await
}

/// Keys and values as an object; a key that is given twice would hide one of its values.
pub(super) fn object(keys: Vec<(String, String)>) -> Result<Value, Failure> {
    let mut object = Map::new();
    for (key, value) in keys {
        if object.contains_key(&key) {
            return Err(Failure::usage(format!("`{key}` is given twice")));
        }
        object.insert(key, json!(value));
    }
    Ok(Value::Object(object))
}

async fn order(named: &ReplayNamed, asked: &str, watch: bool, session: &mut Session<'_>) -> Ending {
    let api = session.api(&named.server)?;
    let path = format!("{REPLAYS}/{}/{asked}", segment(&named.id)?);
    let job = api.post(&path, &json!({})).await?;
    shown(job, watch, &api, session).await
}

/// Prints a job, at its end when it is watched. A watched one that did not come to a good end is a bad finding.
async fn shown(job: Value, watch: bool, api: &Api, session: &mut Session<'_>) -> Ending {
    if !watch {
        print(&job, session)?;
        return Ok(Code::Ok);
    }
    let job = watched(job, REPLAYS, ENDS, api).await?;
    print(&job, session)?;
    Ok(good_if(text(&job, "/state") == "done"))
}

/// Follows a job to its end, or until Ctrl-C, which leaves the job alone.
pub(super) async fn watched(
    mut job: Value,
    jobs: &str,
    goes_on: &str,
    api: &Api,
) -> Result<Value, Failure> {
    let bar = bar(number(&job, "/total"));
    let path = format!("{jobs}/{}", segment(text(&job, "/id"))?);
    loop {
        bar.set_position(number(&job, "/total").saturating_sub(number(&job, "/left")));
        bar.set_message(text(&job, "/state").to_owned());
        if matches!(text(&job, "/state"), "done" | "cancelled" | "failed") {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => job = api.get(&path, &[]).await?,
            _ = tokio::signal::ctrl_c() => {
                talk(goes_on);
                break;
            }
        }
    }
    bar.finish_and_clear();
    Ok(job)
}

fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if !is_watched() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

pub(super) fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

fn previewed(preview: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(preview)?);
    }
    let [count, retry, new, skip, looked_at] =
        ["/count", "/retry", "/new", "/skip", "/looked_at"].map(|name| number(preview, name));
    session.out.line(format!(
        "{count} fit: {retry} due again, {new} new deliveries, {skip} passed over"
    ))?;
    if looked_at < count {
        talk(format!("only the {looked_at} oldest were looked at"));
    }
    if preview["truncated"] == true {
        talk("more fit than one replay takes; narrow it with since and until");
    }
    Ok(())
}

const HEADER: [&str; 9] = [
    "ID", "STATE", "TOTAL", "DONE", "SKIPPED", "FAILED", "LEFT", "RATE", "ETA",
];

fn row(job: &Value) -> [String; 9] {
    let count = |pointer| number(job, pointer).to_string();
    [
        text(job, "/id").to_owned(),
        text(job, "/state").to_owned(),
        count("/total"),
        count("/done"),
        count("/skipped"),
        count("/failed"),
        count("/left"),
        count("/rate_per_second"),
        text(job, "/eta").to_owned(),
    ]
}

fn print(job: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(job)?);
    }
    let mut table = Table::new(&HEADER);
    table.row(row(job));
    session.out.table(&table)?;
    let error = text(job, "/error");
    if !error.is_empty() {
        talk(format!("it cannot go on: {error}"));
    }
    Ok(())
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&HEADER);
    for job in page["items"].as_array().into_iter().flatten() {
        table.row(row(job));
    }
    session.out.table(&table)?;
    if page["next"].is_string() {
        talk("there are more; raise --limit");
    }
    Ok(())
}

//! `alertwire reread`: shows the difference, asks, and follows the job to its end.

use std::io::{BufRead as _, IsTerminal as _};

use serde_json::{Value, json};

use super::replay::{number, object, watched};
use super::{Session, good_if, text};
use crate::api::Api;
use crate::arguments::RereadArguments;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

const REREADS: &str = "api/v1/rereads";
/// The counts of a difference, as they are said.
const COUNTS: [(&str, &str); 9] = [
    ("/newly_understood", "newly understood"),
    ("/kind_changed", "of another kind"),
    ("/fields_changed", "with other fields"),
    ("/worse", "would tell less and stay"),
    ("/unchanged", "unchanged"),
    ("/further", "found beyond the events that were known"),
    ("/raised", "came as fields"),
    ("/gone", "pruned"),
    ("/unreadable", "cannot be read"),
];

pub(super) async fn run(arguments: RereadArguments, session: &mut Session<'_>) -> Ending {
    let mut body = asked(&arguments)?;
    let api = session.api(&arguments.server)?;
    if arguments.dry_run || !arguments.yes {
        body["dry_run"] = json!(true);
        let preview = api.post(REREADS, &body).await?;
        previewed(&preview, arguments.dry_run, session)?;
        if arguments.dry_run {
            return Ok(Code::Ok);
        }
        if !agreed()? {
            talk("nothing was changed");
            return Ok(Code::Ok);
        }
    }
    body["dry_run"] = json!(false);
    to_its_end(&body, &api, session).await
}

/// Begins a re-reading and follows it.
pub(super) async fn to_its_end(body: &Value, api: &Api, session: &mut Session<'_>) -> Ending {
    let job = api.post(REREADS, body).await?;
    let job = watched(job, REREADS, "the re-reading goes on by itself", api).await?;
    print(&job, session)?;
    Ok(good_if(text(&job, "/state") == "done"))
}

fn asked(arguments: &RereadArguments) -> Result<Value, Failure> {
    let mut body = json!({"route": arguments.route, "rate_per_second": arguments.rate});
    if !arguments.events.is_empty() {
        body["events"] = json!(arguments.events);
        return Ok(body);
    }
    if arguments.query.is_empty() && arguments.days.is_none() {
        let failure = Failure::usage("say what is to be read again");
        return Err(failure.help(
            "`--query match=none` takes all that was not understood, `--days 7` all of the last week",
        ));
    }
    if !arguments.query.is_empty() {
        body["query"] = object(arguments.query.clone())?;
    }
    if let Some(days) = arguments.days {
        body["days"] = json!(days);
    }
    Ok(body)
}

/// The difference; on its way to a question it is talk, for the data is what comes of it.
fn previewed(preview: &Value, is_all: bool, session: &mut Session<'_>) -> Result<(), Failure> {
    if is_all && session.out.json {
        return Ok(session.out.value(preview)?);
    }
    let mut lines = vec![format!("{} events fit", number(preview, "/count"))];
    let looked_at = number(preview, "/looked_at");
    if looked_at < number(preview, "/count") {
        lines.push(format!("only the {looked_at} oldest were looked at"));
    }
    for (pointer, words) in COUNTS {
        let count = number(preview, pointer);
        if count > 0 {
            lines.push(format!("{count:>9} {words}"));
        }
    }
    let routable = number(preview, "/routable");
    if routable > 0 {
        lines.push(format!(
            "{routable:>9} would be sent with --route: understood at last, and never routed before"
        ));
    }
    for line in lines {
        match is_all {
            true => session.out.line(line)?,
            false => talk(line),
        }
    }
    samples(preview, is_all, session)
}

fn samples(preview: &Value, is_all: bool, session: &mut Session<'_>) -> Result<(), Failure> {
    let samples = preview["samples"].as_array().map(Vec::as_slice);
    let samples = samples.unwrap_or_default();
    if !is_all || samples.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["ID", "DIFFERENCE", "BEFORE", "AFTER", "FIELDS"]);
    for sample in samples {
        let side = |name: &str| {
            let side = &sample[name];
            let event = side["event"].as_str().unwrap_or("unknown");
            format!("{event} ({})", text(side, "/match"))
        };
        table.row([
            text(sample, "/id").to_owned(),
            text(sample, "/difference").to_owned(),
            side("before"),
            side("after"),
            sample["after"]["records"].to_string(),
        ]);
    }
    Ok(session.out.table(&table)?)
}

/// Asks who sits there; without anybody there the answer has to be given beforehand.
fn agreed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let failure = Failure::usage("nobody can be asked whether to go on");
        return Err(failure.help("give --yes, or --dry-run to see the difference alone"));
    }
    talk("read them again and keep the new readings? [y/N]");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn print(job: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(job)?);
    }
    let count = |pointer| number(job, pointer);
    let mut line = format!(
        "{} ({}): {} new readings, {} passed over",
        text(job, "/id"),
        text(job, "/state"),
        count("/done"),
        count("/skipped")
    );
    if count("/failed") > 0 {
        line.push_str(&format!(", {} cannot be read", count("/failed")));
    }
    session.out.line(line)?;
    let error = text(job, "/error");
    if !error.is_empty() {
        talk(format!("it cannot go on: {error}"));
    }
    Ok(())
}

//! `alertwire catalog unknown`, `learn` and `drift`: wordings that the catalogue does not know.

use std::io::{self, BufRead as _, IsTerminal as _};

use serde_json::{Map, Value, json};

use super::{Session, reread, text};
use crate::api::Api;
use crate::arguments::{DriftArguments, LearnArguments, UnknownArguments};
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk, waiting};

/// Characters of a sample in a table.
const SHOWN: usize = 80;

pub(super) async fn unknown(arguments: &UnknownArguments, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    let query = [("days".to_owned(), arguments.days.to_string())];
    let asked = api.get("api/v1/catalog/unknown", &query);
    let answer = waiting("looking through stored events", asked).await?;
    if session.out.json {
        session.out.value(&answer)?;
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&["UNREAD", "PARTLY", "EVENT", "SUBJECT", "SAMPLE"]);
    for item in items(&answer) {
        let (none, partial) = (item["none"].to_string(), item["partial"].to_string());
        let sample = shown(text(item, "/sample"));
        table.row([
            none.as_str(),
            &partial,
            text(item, "/event"),
            text(item, "/subject"),
            &sample,
        ]);
    }
    session.out.table(&table)?;
    tell_incomplete(&answer, arguments.days);
    Ok(Code::Ok)
}

pub(super) async fn drift(arguments: &DriftArguments, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    let answer = api.get("api/v1/catalog/drift", &[]).await?;
    if session.out.json {
        session.out.value(&answer)?;
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&[
        "SINCE", "EVENT", "SOURCE", "BEFORE", "NOW", "NEW TAIL", "TEMPLATE",
    ]);
    for item in items(&answer) {
        let share = |pointer: &str| {
            let share = item.pointer(pointer).and_then(Value::as_f64);
            format!("{:.0} %", share.unwrap_or(0.0) * 100.0)
        };
        let (before, now) = (share("/before"), share("/now"));
        table.row([
            text(item, "/since"),
            text(item, "/event"),
            text(item, "/source/name"),
            &before,
            &now,
            text(item, "/new_tail"),
            text(item, "/suggestion/template"),
        ]);
    }
    session.out.table(&table)?;
    Ok(Code::Ok)
}

pub(super) async fn learn(arguments: &LearnArguments, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    let Some(form) = lesson(arguments) else {
        return propose(arguments, &api, session).await;
    };
    if arguments.yes {
        let taught = teach(&api, &form).await?;
        report(&taught, session)?;
        return read_again(arguments, &api, session).await;
    }
    let mut trial = form.clone();
    trial["dry_run"] = true.into();
    let tried = teach(&api, &trial).await?;
    report(&tried, session)?;
    if arguments.dry_run {
        return Ok(Code::Ok);
    }
    if !io::stdin().is_terminal() {
        let failure = Failure::usage("nothing was taught: there is no terminal to ask at");
        return Err(failure.help("add --yes to teach it, or --dry-run only to look"));
    }
    session.out.flush()?;
    talk("Teach it? [y/N]");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        talk("nothing was taught");
        return Ok(Code::Ok);
    }
    let mut form = form;
    // What was shown is what is taught, whatever came in meanwhile.
    form["template"] = tried["proposal"]["template"].clone();
    form["names"] = json!({});
    let taught = teach(&api, &form).await?;
    tell_taught(&taught);
    read_again(arguments, &api, session).await
}

/// What is stored and was not read in full, by the catalogue that was taught just now.
async fn read_again(arguments: &LearnArguments, api: &Api, session: &mut Session<'_>) -> Ending {
    if !arguments.reread {
        return Ok(Code::Ok);
    }
    let form = json!({
        "query": {"filter": "match!=full"}, "days": arguments.days, "route": arguments.route,
    });
    reread::to_its_end(&form, api, session).await
}

/// What is to be taught; none when it was not said what it should become.
fn lesson(arguments: &LearnArguments) -> Option<Value> {
    let target = match (&arguments.code, &arguments.variant_of) {
        (Some(code), _) => json!({"kind": {
            "code": code, "name": arguments.title, "category": arguments.category,
            "severity": arguments.severity, "class": arguments.class,
        }}),
        (None, Some(code)) => json!({"variant_of": code}),
        (None, None) => return None,
    };
    let names: Map<String, Value> = arguments
        .names
        .iter()
        .map(|(old, new)| (old.clone(), new.as_str().into()))
        .collect();
    Some(json!({
        "subject": arguments.subject, "events": arguments.events, "days": arguments.days,
        "template": arguments.template, "names": names, "as": target, "force": arguments.force,
    }))
}

async fn teach(api: &Api, form: &Value) -> Result<Value, Failure> {
    let asked = api.post("api/v1/catalog/learn", form);
    waiting("trying it on stored events", asked).await
}

async fn propose(arguments: &LearnArguments, api: &Api, session: &mut Session<'_>) -> Ending {
    let form = json!({
        "subject": arguments.subject, "events": arguments.events, "days": arguments.days,
    });
    let asked = api.post("api/v1/catalog/proposals", &form);
    let answer = waiting("learning from stored events", asked).await?;
    if session.out.json {
        session.out.value(&answer)?;
        return Ok(Code::Ok);
    }
    for proposal in answer["proposals"].as_array().into_iter().flatten() {
        show(proposal, session)?;
        let all = &answer["bodies"];
        session
            .out
            .line(format!("reads {} of {all} bodies\n", proposal["bodies"]))?;
    }
    tell_incomplete(&answer, arguments.days);
    talk("teach it with --variant-of CODE, or with --code CODE --category CATEGORY");
    Ok(Code::Ok)
}

/// The template, and its fields with samples.
fn show(proposal: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    session.out.line(text(proposal, "/template"))?;
    let mut table = Table::new(&["FIELD", "TYPE", "SAMPLES"]);
    for field in proposal["fields"].as_array().into_iter().flatten() {
        let samples: Vec<&str> = field["samples"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let name = match field["optional"].as_bool() {
            Some(true) => format!("[{}]", text(field, "/name")),
            _ => text(field, "/name").to_owned(),
        };
        let samples = shown(&samples.join(" | "));
        table.row([&name, text(field, "/type"), &samples]);
    }
    session.out.table(&table)?;
    let read_by = proposal["read_by"].as_array().into_iter().flatten();
    for code in read_by.filter_map(Value::as_str) {
        talk(format!("`{code}` reads such a body already"));
    }
    Ok(())
}

fn report(lesson: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(lesson)?);
    }
    show(&lesson["proposal"], session)?;
    let days = &lesson["days"];
    session.out.line(format!(
        "of {} events of the last {days} day(s): {} newly read, {} still unread, {} read differently",
        lesson["events"], lesson["newly_read"], lesson["still_unread"], lesson["changed"]
    ))?;
    if lesson["complete"] == false {
        talk("only the newest events were looked at; there are too many");
    }
    if lesson["saved"] == true {
        tell_taught(lesson);
    }
    Ok(())
}

fn tell_taught(lesson: &Value) {
    let what = match lesson["adds"].as_str() {
        Some("kind") => "is a kind of your own now",
        _ => "has a further wording now",
    };
    talk(format!(
        "`{}` {what}; new alerts are read by it",
        text(lesson, "/code")
    ));
}

fn tell_incomplete(answer: &Value, days: u16) {
    if answer["complete"] == false {
        talk(format!(
            "only the newest events of the last {days} day(s) were looked at; there are too many"
        ));
    }
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().into_iter().flatten()
}

/// The front of a text, on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    let front: String = line.chars().take(SHOWN - 1).collect();
    format!("{front}…")
}

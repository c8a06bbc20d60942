//! `alertwire events list`, `export`, `show`, `trace` and `tail`.

mod export;

use domain::projection::Document;
use serde_json::Value;

use super::follow::follow;
use super::projection::printed;
use super::{Session, segment, text};
use crate::api::{Api, with_query};
use crate::arguments::EventsCommand;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk, waiting};

/// Most pages that one list asks for; a page of a search for what is rare may hold nothing.
const PAGES: usize = 100;

/// What a line of the tail tells.
const TOLD: [&str; 6] = [
    "/received_at",
    "/severity",
    "/company/name",
    "/event",
    "/subject",
    "/body",
];

pub(super) async fn run(command: EventsCommand, session: &mut Session<'_>) -> Ending {
    match command {
        EventsCommand::List {
            search,
            mut filters,
            limit,
            server,
        } => {
            filters.extend(search.filter().map(|filter| ("filter".to_owned(), filter)));
            let api = session.api(&server)?;
            let page = waiting("searching", pages(&api, filters, limit)).await?;
            list(&page, session)?;
        }
        EventsCommand::Export(arguments) => return export::run(arguments, session).await,
        EventsCommand::Show {
            id,
            projection,
            server,
        } => {
            let format = projection.format;
            let query: Vec<_> = format
                .map(|format| ("as".to_owned(), format.as_str().to_owned()))
                .into_iter()
                .collect();
            let event = session
                .api(&server)?
                .get(&format!("api/v1/events/{}", segment(&id)?), &query)
                .await?;
            match format {
                Some(_) => show_documents(event, session)?,
                None => show(&event, session)?,
            }
        }
        EventsCommand::Trace { id, server } => {
            let trace = session
                .api(&server)?
                .get(&format!("api/v1/events/{}/trace", segment(&id)?), &[])
                .await?;
            show(&trace, session)?;
        }
        EventsCommand::Tail {
            search,
            count,
            server,
        } => {
            let api = session.api(&server)?;
            let filter = search.filter().map(|filter| ("filter".to_owned(), filter));
            let query: Vec<_> = filter.into_iter().collect();
            let path = with_query("api/v1/events/stream", &query);
            follow(&api, &path, count.unwrap_or(u64::MAX), &TOLD, session).await?
        }
    }
    Ok(Code::Ok)
}

/// As many events as were asked for, from as many pages as that takes.
async fn pages(api: &Api, mut query: Vec<(String, String)>, limit: u16) -> Result<Value, Failure> {
    let mut items: Vec<Value> = Vec::new();
    let mut page = Value::Null;
    for _ in 0..PAGES {
        let left = usize::from(limit) - items.len();
        query.retain(|(key, _)| key != "limit");
        query.push(("limit".to_owned(), left.to_string()));
        page = api.get("api/v1/events", &query).await?;
        if let Value::Array(more) = page["items"].take() {
            items.extend(more);
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        if items.len() >= usize::from(limit) {
            break;
        }
        query.retain(|(key, _)| key != "cursor");
        query.push(("cursor".to_owned(), next.to_owned()));
    }
    page["items"] = Value::Array(items);
    Ok(page)
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&["ID", "RECEIVED", "SEVERITY", "COMPANY", "EVENT", "SUBJECT"]);
    for event in page["items"].as_array().into_iter().flatten() {
        table.row(
            [
                "/id",
                "/received_at",
                "/severity",
                "/company/name",
                "/event",
                "/subject",
            ]
            .map(|pointer| text(event, pointer)),
        );
    }
    session.out.table(&table)?;
    match (page["next"].as_str(), page["scanned_until"].as_str()) {
        (Some(next), Some(until)) => talk(format!(
            "looked back as far as {until}; --where cursor={next} goes on"
        )),
        (Some(_), None) => talk("there are more; raise --limit"),
        (None, _) => {}
    }
    Ok(())
}

/// An event in the format of others, a line for each record.
fn show_documents(documents: Value, session: &mut Session<'_>) -> Result<(), Failure> {
    let documents: Vec<Document> = match documents {
        Value::Array(objects) => objects.into_iter().map(Document::Object).collect(),
        Value::String(text) => text
            .lines()
            .map(|line| Document::Line(line.to_owned()))
            .collect(),
        object => vec![Document::Object(object)],
    };
    for document in &documents {
        session.out.raw(printed(document).as_bytes())?;
        session.out.raw(b"\n")?;
    }
    Ok(())
}

/// An answer for a person: each member on its own line, what is inside of it indented.
pub(super) fn show(value: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(value)?);
    }
    let mut lines = Vec::new();
    write(value, 0, &mut lines);
    lines.iter().try_for_each(|line| session.out.line(line))?;
    Ok(())
}

fn write(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let margin = "  ".repeat(depth);
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (format!("{name}:"), value))
            .collect(),
        Value::Array(items) => items.iter().map(|item| ("-".to_owned(), item)).collect(),
        other => return lines.push(format!("{margin}{}", plain(other))),
    };
    for (name, value) in members {
        if value.is_object() || value.as_array().is_some_and(|items| !items.is_empty()) {
            lines.push(format!("{margin}{name}"));
            write(value, depth + 1, lines);
        } else {
            lines.push(format!("{margin}{name} {}", plain(value)));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

//! `alertwire silences list`, `export`, `create` and `end`.

use serde_json::{Value, json};

use super::{Session, download, segment, text};
use crate::arguments::{SilenceArguments, SilencesCommand};
use crate::clock;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk, waiting};

/// What a silence can be.
const STATES: [&str; 3] = ["active", "scheduled", "ended"];

pub(super) async fn run(command: SilencesCommand, session: &mut Session<'_>) -> Ending {
    match command {
        SilencesCommand::List {
            state,
            limit,
            server,
        } => {
            let mut query = vec![("limit".to_owned(), limit.to_string())];
            if let Some(state) = state {
                check_state(&state)?;
                query.push(("state".to_owned(), state));
            }
            let page = session.api(&server)?.get("api/v1/silences", &query).await?;
            list(&page, session)?;
        }
        SilencesCommand::Export(arguments) => {
            return download::list("api/v1/silences/export", "silences", arguments, session).await;
        }
        SilencesCommand::Create(arguments) => create(&arguments, session).await?,
        SilencesCommand::End { ids, server } => {
            let api = session.api(&server)?;
            for id in ids {
                let path = format!("api/v1/silences/{}/end", segment(&id)?);
                let silence = api.post(&path, &json!({})).await?;
                match session.out.json {
                    true => session.out.value(&silence)?,
                    false => session
                        .out
                        .line(format!("{id} {}", text(&silence, "/state")))?,
                }
            }
        }
    }
    Ok(Code::Ok)
}

fn check_state(state: &str) -> Result<(), Failure> {
    if STATES.contains(&state) {
        return Ok(());
    }
    let failure = Failure::usage(format!(
        "a silence is never `{state}`; it is one of {}",
        STATES.join(", ")
    ));
    Err(failure.nearest(alertwire_catalogue::nearest(state, STATES.into_iter())))
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&["ID", "STATE", "FROM", "UNTIL", "REPEAT", "NAME", "FILTER"]);
    for silence in page["items"].as_array().into_iter().flatten() {
        let cell = |pointer| text(silence, pointer);
        // The window that counts now; of one that has ended, that of its making.
        let window = match silence["window"].is_object() {
            true => [cell("/window/from"), cell("/window/until")],
            false => [cell("/from"), cell("/ends_at")],
        };
        table.row([
            cell("/id"),
            cell("/state"),
            window[0],
            window[1],
            cell("/repeat"),
            cell("/name"),
            cell("/filter"),
        ]);
    }
    session.out.table(&table)?;
    if page["next"].is_string() {
        talk("there are more; raise --limit");
    }
    Ok(())
}

async fn create(arguments: &SilenceArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let begins = arguments.from.unwrap_or_else(|| clock::real().now());
    let lasting = arguments.lasting.map(|lasting| begins.after(lasting));
    let form = json!({
        "name": arguments.name,
        "filter": arguments.filter,
        "companies": arguments.companies,
        "from": arguments.from,
        "until": arguments.until.or(lasting),
        "repeat": arguments.repeat,
        "repeat_until": arguments.repeat_until,
        "reason": arguments.reason,
    });
    let api = session.api(&arguments.server)?;
    if !arguments.dry_run {
        let silence = api.post("api/v1/silences", &form).await?;
        return match session.out.json {
            true => Ok(session.out.value(&silence)?),
            false => Ok(session.out.line(text(&silence, "/id"))?),
        };
    }
    let path = format!("api/v1/silences?dry_run=true&days={}", arguments.days);
    let preview = waiting("matching stored events", api.post(&path, &form)).await?;
    if session.out.json {
        return Ok(session.out.value(&preview)?);
    }
    session.out.line(format!(
        "would have muted {} of {} events of the last {} day(s)",
        preview["muted"], preview["events"], arguments.days
    ))?;
    if preview["complete"] == false {
        let oldest = text(&preview, "/oldest_examined");
        talk(format!(
            "only events since {oldest} were looked at; there are too many"
        ));
    }
    let mut table = Table::new(&["EVENT", "COMPANY", "SUBJECT"]);
    for example in preview["examples"].as_array().into_iter().flatten() {
        table.row(["/event_id", "/company/name", "/subject"].map(|pointer| text(example, pointer)));
    }
    match table.is_empty() {
        true => Ok(()),
        false => Ok(session.out.table(&table)?),
    }
}

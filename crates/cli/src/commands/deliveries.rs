//! `alertwire deliveries list`, `export`, `tail`, `dead`, `cancel` and `retry`.

use serde_json::{Map, Value, json};

use super::follow::follow;
use super::{Session, download, segment, text};
use crate::api::{Api, with_query};
use crate::arguments::DeliveriesCommand;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

/// The states that a delivery is shown in.
const STATES: [&str; 4] = ["pending", "delivered", "parked", "dead"];

/// What a line of the tail tells.
const TOLD: [&str; 7] = [
    "/created_at",
    "/id",
    "/status",
    "/cause",
    "/company/name",
    "/integration/name",
    "/subject",
];

pub(super) async fn run(command: DeliveriesCommand, session: &mut Session<'_>) -> Ending {
    match command {
        DeliveriesCommand::List {
            status,
            mut filters,
            limit,
            server,
        } => {
            if let Some(status) = status {
                check_status(&status)?;
                filters.push(("status".to_owned(), status));
            }
            filters.push(("limit".to_owned(), limit.to_string()));
            let page = session
                .api(&server)?
                .get("api/v1/deliveries", &filters)
                .await?;
            list(&page, session)?;
        }
        DeliveriesCommand::Tail {
            filters,
            count,
            server,
        } => {
            let api = session.api(&server)?;
            let path = with_query("api/v1/deliveries/stream", &filters);
            follow(&api, &path, count.unwrap_or(u64::MAX), &TOLD, session).await?;
        }
        DeliveriesCommand::Export(arguments) => {
            return download::list("api/v1/deliveries/export", "deliveries", arguments, session)
                .await;
        }
        DeliveriesCommand::Dead { filters, server } => {
            let letters = session
                .api(&server)?
                .get("api/v1/dead-letters", &filters)
                .await?;
            dead(&letters, session)?;
        }
        DeliveriesCommand::Cancel {
            ids,
            filters,
            dry_run,
            server,
        } => {
            let api = session.api(&server)?;
            if ids.is_empty() {
                let filter: Map<_, _> = filters
                    .into_iter()
                    .map(|(key, value)| (key, json!(value)))
                    .collect();
                let form = json!({"filter": filter, "dry_run": dry_run});
                let told = api.post("api/v1/deliveries/cancel", &form).await?;
                cancelled(&told, session)?;
            } else {
                each(&api, &ids, "cancel", session).await?;
            }
        }
        DeliveriesCommand::Retry { ids, server } => {
            each(&session.api(&server)?, &ids, "retry", session).await?;
        }
    }
    Ok(Code::Ok)
}

fn check_status(status: &str) -> Result<(), Failure> {
    if STATES.contains(&status) {
        return Ok(());
    }
    let failure = Failure::usage(format!(
        "a delivery is never `{status}`; it is one of {}",
        STATES.join(", ")
    ));
    Err(failure.nearest(alertwire_catalogue::nearest(status, STATES.into_iter())))
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&[
        "ID",
        "STATUS",
        "ATTEMPTS",
        "INTEGRATION",
        "NEXT ATTEMPT",
        "REASON",
        "SUBJECT",
    ]);
    for delivery in page["items"].as_array().into_iter().flatten() {
        let attempts = match &delivery["attempts"] {
            Value::Array(attempts) => attempts.len().to_string(),
            other => other.to_string(),
        };
        let cell = |pointer| text(delivery, pointer);
        table.row([
            cell("/id"),
            cell("/status"),
            &attempts,
            cell("/integration/name"),
            cell("/next_attempt_at"),
            cell("/reason"),
            cell("/subject"),
        ]);
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

fn dead(letters: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(letters)?);
    }
    let mut table = Table::new(&[
        "COUNT",
        "INTEGRATION",
        "REASON",
        "CAUSE",
        "FAULT",
        "OLDEST",
        "NEWEST",
    ]);
    for group in letters["items"].as_array().into_iter().flatten() {
        let cell = |pointer| text(group, pointer);
        table.row([
            group["count"].to_string().as_str(),
            cell("/integration/name"),
            cell("/reason"),
            cell("/cause"),
            cell("/fault"),
            cell("/oldest"),
            cell("/newest"),
        ]);
    }
    session.out.table(&table)?;
    if letters["truncated"] == true {
        talk("there are more than are counted; narrow them with --where since=… and until=…");
    }
    Ok(())
}

/// Does the same with each.
async fn each(
    api: &Api,
    ids: &[String],
    what: &str,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    for id in ids {
        let path = format!("api/v1/deliveries/{}/{what}", segment(id)?);
        let delivery = api.post(&path, &json!({})).await?;
        shown(id, &delivery, session)?;
    }
    Ok(())
}

fn cancelled(told: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(told)?);
    }
    let mut table = Table::new(&["COUNT", "INTEGRATION"]);
    for share in told["integrations"].as_array().into_iter().flatten() {
        let count = share["count"].to_string();
        table.row([count.as_str(), text(share, "/integration/name")]);
    }
    session.out.table(&table)?;
    match told["cancelled"].as_u64() {
        Some(count) => talk(format!("{count} cancelled")),
        None => talk("nothing was cancelled: this was a dry run"),
    }
    if told["truncated"] == true {
        talk("there are more; say it again for the others");
    }
    Ok(())
}

fn shown(id: &str, delivery: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(delivery)?);
    }
    let now = Some(text(delivery, "/id"))
        .filter(|now| !now.is_empty())
        .unwrap_or(id);
    Ok(session
        .out
        .line(format!("{now} {}", text(delivery, "/status")))?)
}

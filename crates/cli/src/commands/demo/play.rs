//! Playing: each event is posted to the sender, and looked for at the receiver.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use alertwire_catalogue::Record;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::parts::Part;
use super::stage::{COMPANIES, Stage, odd};
use crate::commands::text;
use crate::exit::Failure;

/// Requests at once.
const AT_ONCE: usize = 8;
/// How long all deliveries together may take, and how often they are looked at.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Rows of a page.
const PAGE: &str = "1000";
/// Pages of the receiver's events at most.
const PAGES: usize = 100;

/// What became of one event.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) part: Part,
    pub(super) subject: String,
    /// Exactly one delivery, with exactly one good attempt, to exactly one event of the receiver.
    pub(super) delivered: bool,
    /// That event is of the same kind and has the same fields.
    pub(super) parsed_back: bool,
    pub(super) fault: Option<String>,
}

impl Played {
    pub(super) fn is_good(&self) -> bool {
        self.delivered && self.parsed_back
    }

    /// The fields as sent: an object, or an array of them for several records.
    pub(super) fn fields(&self) -> Value {
        match &self.part.records[..] {
            [only] => json!(only),
            records => json!(records),
        }
    }

    pub(super) fn line(&self) -> Value {
        let mut line = json!({
            "event": self.part.code, "subject": self.subject, "delivered": self.delivered, "parsed_back": self.parsed_back,
            "fields": self.fields(),
        });
        if let Some(fault) = &self.fault {
            line["fault"] = fault.as_str().into();
        }
        line
    }
}

/// Plays all parts; the answer has their order.
pub(super) async fn all(
    stage: &Stage,
    parts: Vec<Part>,
    bar: &ProgressBar,
) -> Result<Vec<Played>, Failure> {
    bar.set_message("events sent");
    let ids: Vec<String> = stream::iter(parts.iter().enumerate())
        .map(|(index, part)| send(stage, index, part, bar))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    bar.set_message("delivering");
    delivered(stage, bar, ids.len() as u64).await?;
    let arrived = arrived(stage).await?;
    let found: Vec<Found> = stream::iter(&ids)
        .map(|id| found(stage, id))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut claimed = HashSet::new();
    let played = parts
        .into_iter()
        .zip(found)
        .map(|(part, found)| judge(stage, part, found, &arrived, &mut claimed))
        .collect();
    // An event too many at the receiver is a delivery too many of somebody.
    match arrived.len() - claimed.len() {
        0 => Ok(played),
        more => Err(Failure::software(format!(
            "the receiver holds {more} events that nobody sent, or that came twice"
        ))),
    }
}

/// Posts one event; answers its id.
async fn send(
    stage: &Stage,
    index: usize,
    part: &Part,
    bar: &ProgressBar,
) -> Result<String, Failure> {
    // The samples are the guide's company's; the kinds go round among all.
    let company = if index < 4 {
        COMPANIES[0]
    } else {
        COMPANIES[index % COMPANIES.len()]
    };
    let event = json!({"event": part.code, "company": company, "records": part.records});
    let answer = stage.sender.api.post("api/v1/events", &event).await?;
    bar.inc(1);
    match text(&answer, "/items/0/id") {
        "" => Err(odd("events", &answer)),
        id => Ok(id.to_owned()),
    }
}

/// Waits until no delivery of the sender is pending.
async fn delivered(stage: &Stage, bar: &ProgressBar, all: u64) -> Result<(), Failure> {
    let pending = [
        ("status".to_owned(), "pending".to_owned()),
        ("limit".to_owned(), PAGE.to_owned()),
    ];
    let wait = async {
        loop {
            let page = stage.sender.api.get("api/v1/deliveries", &pending).await?;
            let left = page["items"].as_array().map_or(0, Vec::len) as u64;
            bar.set_position(all.saturating_sub(left));
            if left == 0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    // What is still pending after that is told event by event.
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or(Ok(()))
}

/// All events of the receiver by id; its test alert is none of them.
async fn arrived(stage: &Stage) -> Result<HashMap<String, Value>, Failure> {
    let mut events = HashMap::new();
    let mut query = vec![("limit".to_owned(), PAGE.to_owned())];
    for _ in 0..PAGES {
        let page = stage.receiver.api.get("api/v1/events", &query).await?;
        for event in page["items"].as_array().into_iter().flatten() {
            if text(event, "/subject") != "Alertwire Test" {
                events.insert(text(event, "/id").to_owned(), event.clone());
            }
        }
        let Some(next) = page["next"].as_str() else {
            return Ok(events);
        };
        query.truncate(1);
        query.push(("cursor".to_owned(), next.to_owned()));
    }
    Ok(events)
}

/// What the sender knows of one event.
struct Found {
    deliveries: Vec<Value>,
    /// Ids of the events that the receiver's receipts named.
    receipts: Vec<String>,
}

async fn found(stage: &Stage, id: &str) -> Result<Found, Failure> {
    let page = stage
        .sender
        .api
        .get("api/v1/deliveries", &[("event".to_owned(), id.to_owned())])
        .await?;
    let mut found = Found {
        deliveries: Vec::new(),
        receipts: Vec::new(),
    };
    for delivery in page["items"].as_array().into_iter().flatten() {
        let delivery = stage
            .sender
            .api
            .get(&format!("api/v1/deliveries/{}", text(delivery, "/id")), &[])
            .await?;
        for attempt in delivery["attempts"].as_array().into_iter().flatten() {
            // The receiver's answer to the webhook is its receipt.
            let receipt: Value =
                serde_json::from_str(text(attempt, "/response_body")).unwrap_or(Value::Null);
            found.receipts.extend(
                receipt["events"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned),
            );
        }
        found.deliveries.push(delivery);
    }
    Ok(found)
}

fn judge(
    stage: &Stage,
    part: Part,
    found: Found,
    arrived: &HashMap<String, Value>,
    claimed: &mut HashSet<String>,
) -> Played {
    let subject = stage
        .catalogue
        .kind(&part.code)
        .map_or_else(String::new, |kind| kind.subject.clone());
    let mut played = Played {
        part,
        subject,
        delivered: false,
        parsed_back: false,
        fault: None,
    };
    match once(&found, arrived, claimed) {
        Ok(event) => {
            played.delivered = true;
            match same(stage, &played.part, event) {
                Ok(()) => played.parsed_back = true,
                Err(fault) => played.fault = Some(fault),
            }
        }
        Err(fault) => played.fault = Some(fault),
    }
    played
}

/// The one event that the one delivery made.
fn once<'a>(
    found: &Found,
    arrived: &'a HashMap<String, Value>,
    claimed: &mut HashSet<String>,
) -> Result<&'a Value, String> {
    let [delivery] = &found.deliveries[..] else {
        return Err(format!("has {} deliveries", found.deliveries.len()));
    };
    if text(delivery, "/status") != "delivered" {
        return Err(format!(
            "is {} ({})",
            text(delivery, "/status"),
            text(delivery, "/reason")
        ));
    }
    let [receipt] = &found.receipts[..] else {
        return Err(format!("has {} receipts", found.receipts.len()));
    };
    let event = arrived
        .get(receipt)
        .ok_or("its receipt names an event that the receiver does not have")?;
    if !claimed.insert(receipt.clone()) {
        return Err("its receipt names another one's event".to_owned());
    }
    if event["count"].as_u64().unwrap_or(1) != 1 {
        return Err(format!("was counted {} times", event["count"]));
    }
    Ok(event)
}

/// Whether the receiver read what was sent.
fn same(stage: &Stage, part: &Part, event: &Value) -> Result<(), String> {
    let read = text(event, "/event");
    // Where nothing in the wording decides between kinds, the others are its alternatives.
    let known = stage
        .catalogue
        .kind(read)
        .is_some_and(|kind| kind.alternatives.contains(&part.code));
    let listed = event["alternatives"]
        .as_array()
        .is_some_and(|codes| codes.iter().any(|code| code == part.code.as_str()));
    if read != part.code && !known && !listed {
        return Err(format!("was read as `{read}`"));
    }
    let sent = stage
        .catalogue
        .render(&part.code, &part.records)
        .map_err(|error| error.to_string())?
        .records;
    let came: Vec<Record> =
        serde_json::from_value(event["records"].clone()).map_err(|error| error.to_string())?;
    if came != sent {
        return Err(format!(
            "came back as {} instead of {}",
            event["records"],
            json!(sent)
        ));
    }
    if event["ambiguous"]
        .as_array()
        .is_some_and(|fields| !fields.is_empty())
    {
        return Err(format!("is ambiguous in {}", event["ambiguous"]));
    }
    Ok(())
}

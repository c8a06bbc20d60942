use axum::Json;
use axum::extract::State;
use domain::event::{Event, Match};
use domain::matching::{Facts, Hop, explain};
use domain::{EventId, Timestamp};
use serde::Serialize;
use store::Standing;
use utoipa::ToSchema;

use crate::App;
use crate::api::{Answer, Named};
use crate::problem::Problem;
use crate::read::{Caller, Id, Viewer};

/// The way of an event, hop by hop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceView {
    event_id: String,
    journal_id: String,
    /// The verdict when it came in.
    #[schema(value_type = String)]
    routing: &'static str,
    /// The configuration's epoch that the verdict was reached by, and the one there is now.
    epoch: u64,
    current_epoch: u64,
    /// The configuration has changed since: the hops of matching are those that the event would take today.
    pub(crate) configuration_moved: bool,
    #[schema(value_type = Vec<Object>)]
    pub(crate) hops: Vec<Hop>,
    pub(crate) deliveries: Vec<TracedDelivery>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TracedDelivery {
    pub(crate) id: String,
    pub(crate) integration: Named,
    rule: Named,
    #[schema(value_type = String)]
    status: &'static str,
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) standing: Standing,
    pub(crate) reason: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) attempts: u32,
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
}

/// Why an event went where it went, also when it went nowhere.
#[utoipa::path(get, path = "/api/v1/events/{id}/trace", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = TraceView)))]
pub(crate) async fn trace(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<EventId>,
) -> Answer<TraceView> {
    let event = app
        .store()
        .event(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("event"))?;
    trace_of(&app, &caller, &event).await.map(Json)
}

pub(crate) async fn trace_of(
    app: &App,
    caller: &Caller,
    event: &Event,
) -> Result<TraceView, Problem> {
    let deliveries = deliveries(app, caller, event.id).await?;
    let mut hops = vec![source_hop(event, caller), parse_hop(event)];
    hops.extend(repeat_hops(event));
    hops.extend(explain(&Facts::of(event), &caller.configuration).1);
    Ok(TraceView {
        event_id: event.id.to_string(),
        journal_id: event.message.to_string(),
        routing: event.routing.as_str(),
        epoch: event.epoch,
        current_epoch: caller.configuration.epoch,
        configuration_moved: event.epoch != caller.configuration.epoch,
        hops,
        deliveries,
    })
}

async fn deliveries(
    app: &App,
    caller: &Caller,
    event: EventId,
) -> Result<Vec<TracedDelivery>, Problem> {
    let mut traced = Vec::new();
    for carried in app
        .store()
        .deliveries_of_event(caller.scope(), event)
        .await?
    {
        let Some(row) = app
            .store()
            .delivery(caller.scope(), carried.delivery)
            .await?
        else {
            continue;
        };
        traced.push(TracedDelivery {
            id: row.id.to_string(),
            integration: Named::integration(row.integration, &caller.configuration),
            rule: Named::rule(row.rule, &caller.configuration),
            status: row.standing.as_str(),
            standing: row.standing,
            reason: row.reason,
            cause: row.cause,
            attempts: row.attempts,
            due_at: row.due_at,
        });
    }
    Ok(traced)
}

fn source_hop(event: &Event, caller: &Caller) -> Hop {
    let detail = match event.source {
        None => "raised by the API".to_owned(),
        Some(id) => match caller.configuration.source(id) {
            Some(source) => format!("came by source {}", source.name),
            None => format!("came by source {id}, which has been removed"),
        },
    };
    Hop::plain("source", true, detail)
}

/// What was counted on the event instead of being one, and what it is the return of.
fn repeat_hops(event: &Event) -> Vec<Hop> {
    let mut hops = Vec::new();
    if let Some(earlier) = event.repeats.reopened {
        let detail = format!(
            "said before by event {earlier}, which had been quiet for the source's window: it is an event again"
        );
        hops.push(Hop::plain("reopened", true, detail));
    }
    if let Some((at, message)) = event.repeats.last {
        let detail = format!(
            "counted {} times, last at {at}, by message {message}; repeats within the source's window are not sent again",
            event.count
        );
        hops.push(Hop::plain("repeats", true, detail));
    }
    hops
}

fn parse_hop(event: &Event) -> Hop {
    let reading = &event.reading;
    let kind = event.kind.as_deref().unwrap_or("no known kind");
    let detail = format!(
        "decode {}, subject names {kind}, match {}, {} record(s), {} ambiguous field(s)",
        reading.decode.as_str(),
        reading.matched.as_str(),
        reading.records.len(),
        reading.ambiguous.len(),
    );
    Hop::plain("parse", reading.matched != Match::None, detail)
}

//! Events: raised by the API, searched, exported, followed live, explained.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod readings;
pub(crate) mod stream;
pub(crate) mod trace;

pub(crate) mod projected;

use std::sync::Arc;
use std::time::Duration;

use alertwire_catalogue::{Catalogue, Entities, Limits, Record};
use domain::Timestamp;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::event::{Ambiguity, Event, Repair, Routing};
use domain::filter::Filter;
use domain::matching::Facts;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{EventPage, EventQuery, PageAt};
use utoipa::ToSchema;

use super::Named;
use crate::App;
use crate::blocking::blocking;
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    id: String,
    /// Code of the kind; null when the subject names none.
    event: Option<String>,
    category: Option<String>,
    subject: String,
    body: String,
    #[schema(value_type = String)]
    severity: &'static str,
    company: Option<Named>,
    source: Option<Named>,
    #[schema(value_type = String)]
    decode: &'static str,
    #[schema(value_type = Vec<Object>)]
    repairs: Vec<Repair>,
    #[serde(rename = "match")]
    #[schema(value_type = String)]
    matched: &'static str,
    /// Reading panicked or ran out of its budget.
    read_failed: bool,
    #[schema(value_type = Vec<Object>)]
    records: Vec<Record>,
    alternatives: Vec<String>,
    suggested_event: Option<String>,
    #[schema(value_type = Vec<Object>)]
    ambiguous: Vec<Ambiguity>,
    /// What stands in the body, recognised or not.
    #[schema(value_type = Object)]
    entities: Value,
    remainder: String,
    /// For each record the byte span of each of its fields in the body; only of a single event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    spans: Option<Value>,
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    journal_id: String,
    fingerprint: String,
    /// How often it was seen without a quiet time as long as its source's window.
    count: u32,
    #[schema(value_type = String, format = DateTime)]
    first_seen_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    /// The message that was last counted on it, when there is one.
    last_journal_id: Option<String>,
    /// The event that said the same, and had been quiet for its source's window when this one came.
    reopened: Option<String>,
    /// `routed` or `unrouted`.
    #[schema(value_type = String)]
    routing: &'static str,
    /// Why it went nowhere.
    #[schema(value_type = Option<String>)]
    unrouted_reason: Option<&'static str>,
    /// The silence that muted it.
    silence: Option<Named>,
}

impl EventView {
    /// The view for lists and streams: with what stands in the body, without spans.
    fn new(event: Event, configuration: &Configuration, limits: &Limits) -> Self {
        let entities = json!(Entities::sweep(&event.body, limits.entities));
        let reading = event.reading;
        let (routing, unrouted_reason) = match event.routing {
            Routing::Routed => ("routed", None),
            Routing::Unrouted(reason) => ("unrouted", Some(reason.as_str())),
        };
        Self {
            id: event.id.to_string(),
            event: event.kind,
            category: event.category,
            subject: event.subject,
            body: event.body,
            severity: event.severity.as_str(),
            company: event.company.map(|id| Named::company(id, configuration)),
            source: event.source.map(|id| Named::source(id, configuration)),
            decode: reading.decode.as_str(),
            repairs: reading.repairs,
            matched: reading.matched.as_str(),
            read_failed: reading.read_failed,
            records: reading.records,
            alternatives: reading.alternatives,
            suggested_event: reading.suggested,
            ambiguous: reading.ambiguous,
            entities,
            remainder: reading.remainder,
            spans: None,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            journal_id: event.message.to_string(),
            fingerprint: event.fingerprint.to_string(),
            count: event.count,
            first_seen_at: event.received_at,
            last_seen_at: event.repeats.last.map_or(event.received_at, |(at, _)| at),
            last_journal_id: event.repeats.last.map(|(_, message)| message.to_string()),
            reopened: event.repeats.reopened.map(|id| id.to_string()),
            routing,
            unrouted_reason,
            silence: event.silence.map(|id| Named::silence(id, configuration)),
        }
    }

    /// Spans are not stored: the body says them again.
    fn with_spans(mut self, catalogue: &Catalogue, limits: &Limits) -> Self {
        let read = catalogue.read_alert(&self.subject, &self.body, limits);
        if read.records == self.records {
            let mut rows: Vec<Map<String, Value>> = vec![Map::new(); read.records.len()];
            for span in &read.spans {
                if let Some(row) = rows.get_mut(span.record) {
                    row.insert(
                        span.field.to_string(),
                        json!({"start": span.start, "end": span.end}),
                    );
                }
            }
            self.spans = Some(json!(rows));
        }
        self
    }
}

/// Longest that one page of a search may take; a regular expression can be made to take long.
const PATIENCE: Duration = Duration::from_secs(10);

/// One page of a search, or what to do when it takes too long.
pub(crate) async fn search_page(
    app: &App,
    scope: &Scope,
    query: &EventQuery,
    at: &PageAt,
) -> Result<EventPage, Problem> {
    let page = tokio::time::timeout(PATIENCE, app.store().events(scope, query, at)).await;
    let page = page.map_err(|_| {
        Problem::try_later(format!(
            "the search took longer than {} s; narrow it by time or company, or ask for simpler expressions",
            PATIENCE.as_secs()
        ))
    })?;
    Ok(page?)
}

/// The events that a filter lets through; testing them is work for a thread that may be busy.
async fn fitting(
    events: Vec<Event>,
    filter: Option<Arc<Filter>>,
    configuration: Arc<Configuration>,
) -> Result<Vec<Event>, Problem> {
    let Some(filter) = filter else {
        return Ok(events);
    };
    let test = move || {
        let mut events = events;
        events.retain(|event| filter.matches(&Facts::of(event), &configuration));
        events
    };
    blocking(test).await
}

/// Sweeping many bodies is work for a thread that may be busy.
async fn views(
    events: Vec<Event>,
    configuration: Arc<Configuration>,
) -> Result<Vec<EventView>, Problem> {
    let limits = Limits::default();
    let view = move || {
        events
            .into_iter()
            .map(|event| EventView::new(event, &configuration, &limits))
            .collect()
    };
    blocking(view).await
}

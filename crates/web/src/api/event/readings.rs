use alertwire_catalogue::Record;
use axum::Json;
use axum::extract::State;
use domain::event::{Ambiguity, Repair};
use domain::{EventId, Timestamp};
use serde::Serialize;
use store::PastReading;
use utoipa::ToSchema;

use crate::App;
use crate::api::{Answer, Named};
use crate::problem::Problem;
use crate::read::{Caller, Id, Listing, PageQuery, Query, Viewer, listing};

/// What an event was read as at some time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadingView {
    /// 1 is the reading that it came in with.
    number: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The epoch of configuration and catalogue that it was read under.
    epoch: u64,
    event: Option<String>,
    category: Option<String>,
    subject: String,
    body: String,
    #[schema(value_type = String)]
    severity: &'static str,
    /// Null also where it was a company that the caller may not see.
    company: Option<Named>,
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
    remainder: String,
    fingerprint: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Timestamp>,
}

/// All readings of an event, newest first: the first is what the event says now.
#[utoipa::path(get, path = "/api/v1/events/{id}/readings", tag = "events", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listing<ReadingView>)))]
pub(crate) async fn readings(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<EventId>,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<ReadingView>> {
    let page = app
        .store()
        .readings(caller.scope(), id, &query.at()?)
        .await?
        .ok_or_else(|| Problem::not_found("event"))?;
    Ok(Json(listing(page, |past| ReadingView::new(past, &caller))))
}

impl ReadingView {
    fn new(past: PastReading, caller: &Caller) -> Self {
        let company = past.company.filter(|id| caller.sees(*id));
        let reading = past.reading;
        Self {
            number: past.number,
            at: past.at,
            epoch: past.epoch,
            event: past.kind,
            category: past.category,
            subject: past.subject,
            body: past.body,
            severity: past.severity.as_str(),
            company: company.map(|id| Named::company(id, &caller.configuration)),
            decode: reading.decode.as_str(),
            repairs: reading.repairs,
            matched: reading.matched.as_str(),
            read_failed: reading.read_failed,
            records: reading.records,
            alternatives: reading.alternatives,
            suggested_event: reading.suggested,
            ambiguous: reading.ambiguous,
            remainder: reading.remainder,
            fingerprint: past.fingerprint.to_string(),
            occurred_at: past.occurred_at,
        }
    }
}

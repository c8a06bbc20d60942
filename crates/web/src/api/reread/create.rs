use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use delivery::replay::{ITEMS, REREAD_RATE};
use domain::EventId;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{EventQuery, Job, JobSpec, Listed};
use utoipa::ToSchema;

use super::RereadView;
use super::preview::{RereadPreview, preview};
use crate::App;
use crate::api::event::list::EventsQuery;
use crate::api::fields::Fields;
use crate::api::job::{begin, rate, words};
use crate::api::what_if::{days, last_days};
use crate::problem::Problem;
use crate::read::{Caller, Form, Operator, Params};

/// Most events that are named one by one.
const NAMED: usize = 1_000;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RereadForm {
    /// Ids of events, at most 1,000.
    events: Option<Vec<String>>,
    /// Instead: events by the query keys of `GET /api/v1/events`; `{"match": "none"}` is all that was not understood.
    query: Option<EventsQuery>,
    /// Only events of the last so many days, 1 to 30; alone: all of them.
    days: Option<u64>,
    /// Let events that are understood at last and went nowhere go where today's rules send them.
    #[serde(default)]
    route: bool,
    /// 1,000 unless told, at most 10,000.
    rate_per_second: Option<u64>,
    /// Only tell what would be read differently.
    #[serde(default)]
    dry_run: bool,
}

/// Which events, in types and in the caller's words.
enum Wanted {
    Named(Vec<EventId>),
    Query(Box<EventQuery>),
}

/// Read stored messages again with the catalogue of today, or with `dry_run` only tell what would be different. What it takes is
/// fixed now. A new reading is added to the event, the former ones are kept; deliveries are never touched, and what had its way
/// before is not sent again.
#[utoipa::path(post, path = "/api/v1/rereads", tag = "events", request_body = RereadForm,
    responses((status = 200, description = "The dry run.", body = RereadPreview),
        (status = 202, description = "It has begun.", body = RereadView)))]
pub(crate) async fn create(
    app: State<App>,
    Operator(caller): Operator,
    Form(form): Form<RereadForm>,
) -> Result<Response, Problem> {
    if form.dry_run {
        let preview = look(&app, &caller, form).await?;
        return Ok(Json(preview).into_response());
    }
    let job = start(&app, &caller, form).await?;
    let view = RereadView::new(job, app.now());
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

/// What a re-reading would do. Whoever asks has been found to be an operator.
pub(crate) async fn look(
    app: &App,
    caller: &Caller,
    form: RereadForm,
) -> Result<RereadPreview, Problem> {
    rate(form.rate_per_second, REREAD_RATE)?;
    let (wanted, _) = form.parse(app, caller)?;
    let (listed, _) = wanted.list(app, caller).await?;
    preview(app, caller, &listed).await
}

/// Begins a re-reading. Whoever asks has been found to be an operator.
pub(crate) async fn start(app: &App, caller: &Caller, form: RereadForm) -> Result<Job, Problem> {
    let (rate, route) = (rate(form.rate_per_second, REREAD_RATE)?, form.route);
    let (wanted, query) = form.parse(app, caller)?;
    let (listed, pointer) = wanted.list(app, caller).await?;
    let spec = JobSpec::Reread { query, route };
    begin(app, caller, spec, rate, listed, pointer).await
}

impl RereadForm {
    fn parse(self, app: &App, caller: &Caller) -> Result<(Wanted, Value), Problem> {
        match (&self.events, &self.query, self.days) {
            (Some(events), None, None) => {
                Ok((Wanted::Named(named(events)?), json!({"events": events})))
            }
            (None, Some(_), _) | (None, None, Some(_)) => self.query(app, caller),
            _ => Err(Problem::field(
                "",
                "say either `events` (ids), or `query` or `days` or both",
            )),
        }
    }

    fn query(&self, app: &App, caller: &Caller) -> Result<(Wanted, Value), Problem> {
        let (mut query, mut said) = (EventQuery::default(), json!({}));
        if let Some(events) = &self.query {
            let mut params = Params::at("/query/");
            query = events.read(&mut params, caller);
            params.finish()?;
            said = words(events);
        }
        if let Some(number) = self.days {
            let days = days(number).map_err(|detail| Problem::field("/days", detail))?;
            let from = last_days(days, app.now()).from;
            query.since = Some(query.since.map_or(from, |since| since.max(from)));
            said["days"] = json!(days);
        }
        Ok((Wanted::Query(Box::new(query)), said))
    }
}

/// The ids, oldest first and each once.
fn named(events: &[String]) -> Result<Vec<EventId>, Problem> {
    let mut fields = Fields::default();
    fields.at_most("/events", events.len(), NAMED);
    if events.is_empty() {
        fields.error("/events", "names no event");
    }
    let mut ids = Vec::with_capacity(events.len().min(NAMED));
    for (place, text) in events.iter().take(NAMED).enumerate() {
        let read = text
            .parse::<EventId>()
            .map_err(|_| "is not the id of an event");
        ids.extend(fields.take(&format!("/events/{place}"), read));
    }
    fields.finish()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

impl Wanted {
    /// What there is of it, and what named it.
    async fn list(self, app: &App, caller: &Caller) -> Result<(Listed, &'static str), Problem> {
        let (store, scope) = (app.store(), caller.scope());
        match self {
            Self::Query(query) => {
                let listed = store.list_events(scope, &query, ITEMS).await?;
                Ok((listed, "/query"))
            }
            Self::Named(ids) => {
                let found = store.list_named_events(scope, &ids).await?;
                match found {
                    Some(listed) => Ok((listed, "/events")),
                    None => Err(Problem::not_found("event")),
                }
            }
        }
    }
}

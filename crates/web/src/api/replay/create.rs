use std::num::NonZeroU32;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use delivery::planning::verdict_of_today;
use delivery::replay::{ITEMS, Meant, RATE};
use domain::IntegrationId;
use domain::event::Routing;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Breakdown, DeliveryQuery, EventQuery, Item, Job, JobSpec, Listed, Target};
use utoipa::ToSchema;

use super::ReplayView;
use crate::App;
use crate::api::delivery::list::DeliveriesQuery;
use crate::api::event::list::EventsQuery;
use crate::api::fields::Fields;
use crate::api::integration::seen;
use crate::api::job::{begin, rate, words};
use crate::problem::Problem;
use crate::read::{Caller, Form, Operator, Params};

/// Most unrouted events that a dry run matches; of more it says how many it looked at.
const LOOKED_AT: usize = 10_000;
/// How many of them between two breaths, for others wait for the same threads.
const BREATH: usize = 200;

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayForm {
    /// Deliveries again, by the query keys of `GET /api/v1/deliveries`, one at least. An undelivered one is due again under
    /// its own id, a delivered one gets a new id and says in `alertwire-replay-of` what it repeats. What a person cancelled is
    /// left out unless `id` or `reason` names it.
    filter: Option<DeliveriesQuery>,
    /// Id of another integration that the same alerts are sent to instead, each event at most once.
    to: Option<String>,
    /// Instead of deliveries: unrouted events by today's rules, by the query keys of `GET /api/v1/events`.
    unrouted: Option<EventsQuery>,
    /// 50 unless told, at most 10,000.
    rate_per_second: Option<u64>,
    /// Only tell what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// What a replay would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// What fits.
    pub(crate) count: u64,
    /// Due again under their own id.
    pub(crate) retry: u64,
    /// Deliveries under a new id; of unrouted events: events that today's rules send somewhere.
    pub(crate) new: u64,
    /// Passed over.
    pub(crate) skip: u64,
    /// Of how many it is known what would be done; unrouted events are matched up to the 10,000 oldest.
    pub(crate) looked_at: u64,
    /// More fits than one replay takes.
    pub(crate) truncated: bool,
}

/// What is asked for, in types.
enum Wanted {
    Deliveries {
        query: DeliveryQuery,
        filter: Value,
        to: Option<Target>,
    },
    Unrouted {
        query: EventQuery,
        words: Value,
    },
}

/// Begin a replay, or with `dry_run` only tell what it would do. What it takes is fixed now: what arrives or ends differently
/// later is passed over.
#[utoipa::path(post, path = "/api/v1/replays", tag = "deliveries", request_body = ReplayForm,
    responses((status = 200, description = "The dry run.", body = PreviewView),
        (status = 202, description = "It has begun.", body = ReplayView)))]
pub(crate) async fn create(
    app: State<App>,
    Operator(caller): Operator,
    Form(form): Form<ReplayForm>,
) -> Result<Response, Problem> {
    if form.dry_run {
        let preview = look(&app, &caller, form).await?;
        return Ok(Json(preview).into_response());
    }
    let job = start(&app, &caller, form).await?;
    let view = ReplayView::new(job, &caller.configuration, app.now());
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

/// What a replay would do. Whoever asks has been found to be an operator.
pub(crate) async fn look(
    app: &App,
    caller: &Caller,
    form: ReplayForm,
) -> Result<PreviewView, Problem> {
    let (wanted, _) = form.parse(caller)?;
    let listed = wanted.list(app, caller).await?;
    preview(app, caller, &listed).await
}

/// Of which integrations the deliveries of a replay are, and what they failed by. Of unrouted events there is nothing to tell.
pub(crate) async fn shares(
    app: &App,
    caller: &Caller,
    form: ReplayForm,
) -> Result<Breakdown, Problem> {
    match form.parse(caller)?.0 {
        Wanted::Deliveries { query, .. } => {
            Ok(app.store().breakdown(caller.scope(), &query).await?)
        }
        Wanted::Unrouted { .. } => Ok(Breakdown::default()),
    }
}

/// Begins a replay. Whoever asks has been found to be an operator.
pub(crate) async fn start(app: &App, caller: &Caller, form: ReplayForm) -> Result<Job, Problem> {
    let (wanted, rate) = form.parse(caller)?;
    let listed = wanted.list(app, caller).await?;
    let (pointer, spec) = (wanted.pointer(), wanted.spec());
    begin(app, caller, spec, rate, listed, pointer).await
}

async fn preview(app: &App, caller: &Caller, listed: &Listed) -> Result<PreviewView, Problem> {
    let mut preview = PreviewView {
        count: listed.total(),
        retry: listed.count(Meant::Retry),
        new: listed.count(Meant::New),
        skip: listed.skipped,
        looked_at: listed.total(),
        truncated: listed.truncated,
    };
    if listed.count(Meant::Route) > 0 {
        let now = app.now();
        let events: Vec<_> = listed
            .items
            .iter()
            .map(Item::event)
            .take(LOOKED_AT)
            .collect();
        preview.looked_at = events.len() as u64;
        for some in events.chunks(BREATH) {
            let found = app.store().events_of(caller.scope(), some).await?;
            let routed = found.iter().filter(|event| {
                verdict_of_today(event, &caller.configuration, now).routing == Routing::Routed
            });
            preview.new += routed.count() as u64;
            tokio::task::yield_now().await;
        }
        preview.skip = preview.looked_at - preview.new;
    }
    Ok(preview)
}

impl ReplayForm {
    fn parse(self, caller: &Caller) -> Result<(Wanted, NonZeroU32), Problem> {
        let rate = rate(self.rate_per_second, RATE)?;
        match (&self.filter, &self.unrouted) {
            (Some(filter), None) => Ok((self.deliveries(filter, caller)?, rate)),
            (None, Some(events)) => Ok((self.events(events, caller)?, rate)),
            _ => Err(Problem::field(
                "",
                "say either `filter` (deliveries) or `unrouted` (events)",
            )),
        }
    }

    fn deliveries(&self, filter: &DeliveriesQuery, caller: &Caller) -> Result<Wanted, Problem> {
        let mut params = Params::at("/filter/");
        let mut query = filter.read(&mut params, caller);
        params.finish()?;
        query.uncancelled = query.ids.is_empty() && query.reason.is_none();
        let filter = words(filter);
        if filter.as_object().is_none_or(serde_json::Map::is_empty) {
            let detail = "name at least one key, or all deliveries would go again; `{\"status\": \"dead\"}` is all that failed";
            return Err(Problem::field("/filter", detail));
        }
        let to = self.to.as_deref().map(|text| target(text, caller));
        Ok(Wanted::Deliveries {
            query,
            filter,
            to: to.transpose()?,
        })
    }

    fn events(&self, events: &EventsQuery, caller: &Caller) -> Result<Wanted, Problem> {
        let mut params = Params::at("/unrouted/");
        let query = events.read(&mut params, caller);
        if query.routing.as_deref() == Some(Routing::Routed.as_str()) {
            params.error("routing", "is `unrouted` or the reason why not");
        }
        params.finish()?;
        if self.to.is_some() {
            let detail =
                "goes with `filter` alone; unrouted events go where today's rules send them";
            return Err(Problem::field("/to", detail));
        }
        Ok(Wanted::Unrouted {
            query,
            words: words(events),
        })
    }
}

fn target(text: &str, caller: &Caller) -> Result<Target, Problem> {
    let mut fields = Fields::default();
    let configuration = &caller.configuration;
    let found = |id: IntegrationId| {
        let integration = configuration.integration(id);
        integration.is_some_and(|integration| seen(integration, caller))
    };
    let id = fields.id::<IntegrationId>("/to", text, "integration", found);
    let integration = id.and_then(|id| configuration.integration(id));
    let target = integration.map(|integration| Target {
        integration: integration.id,
        companies: integration.companies.clone(),
    });
    fields.finish_with(target)
}

impl Wanted {
    async fn list(&self, app: &App, caller: &Caller) -> Result<Listed, Problem> {
        let (store, scope) = (app.store(), caller.scope());
        Ok(match self {
            Self::Deliveries { query, to, .. } => {
                store
                    .list_for_replay(scope, query, to.as_ref(), ITEMS)
                    .await?
            }
            Self::Unrouted { query, .. } => store.list_unrouted(scope, query, ITEMS).await?,
        })
    }

    fn pointer(&self) -> &'static str {
        match self {
            Self::Deliveries { .. } => "/filter",
            Self::Unrouted { .. } => "/unrouted",
        }
    }

    fn spec(self) -> JobSpec {
        match self {
            Self::Deliveries { filter, to, .. } => JobSpec::Deliveries {
                filter,
                to: to.map(|to| to.integration),
            },
            Self::Unrouted { words, .. } => JobSpec::Unrouted { query: words },
        }
    }
}

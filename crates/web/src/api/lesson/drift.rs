pub(crate) mod export;

use std::sync::Arc;

use alertwire_catalogue::{Catalogue, new_tail};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::configuration::Configuration;
use domain::event::Event;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Watched;
use utoipa::{IntoParams, ToSchema};

use super::propose::read_by;
use super::{ProposalView, about, front, permit};
use crate::App;
use crate::api::export::Lot;
use crate::api::{Answer, Named};
use crate::blocking::blocking;
use crate::read::{Params, Query, Viewer};

/// Alarms that an answer lists, and bodies that it shows of each.
const ALARMS: u16 = 50;
const SAMPLES: usize = 3;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DriftQuery {
    /// Id or name of a company: alarms over its alerts alone.
    pub(crate) company: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DriftsView {
    /// The newest alarm first, at most 50.
    pub(crate) items: Vec<DriftView>,
    /// There may be further alarms.
    pub(crate) more: bool,
}

/// A subject whose alerts used to be read in full and are not any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DriftView {
    pub(crate) subject: String,
    /// The kind that the subject names.
    pub(crate) event: String,
    pub(crate) source: Named,
    /// Null while they are of no company.
    pub(crate) company: Option<Named>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// The share of alerts that were read in full before, and among the newest 20; from 0 to 1.
    pub(crate) before: f64,
    pub(crate) now: f64,
    /// What the newest alerts that are not read in full have in common at their end.
    pub(crate) new_tail: String,
    /// Some of these alerts, newest first.
    pub(crate) samples: Vec<SampleView>,
    /// A wording to teach: `POST /api/v1/catalog/learn` with `{"events": […], "as": {"variant_of": EVENT}}`.
    pub(crate) suggestion: Option<ProposalView>,
    /// The alerts that the suggestion was learned from.
    pub(crate) events: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleView {
    pub(crate) event_id: String,
    pub(crate) body: String,
}

/// Open alarms of wordings that changed. An alarm closes by itself when alerts are read as well as before, such as after the
/// new wording was taught.
#[utoipa::path(get, path = "/api/v1/catalog/drift", tag = "catalogue", params(DriftQuery),
    responses((status = 200, body = DriftsView)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<DriftQuery>,
) -> Answer<DriftsView> {
    let mut params = Params::default();
    let scope = about(&mut params, query.company.as_deref(), &caller);
    params.finish()?;
    let _permit = permit(&app)?;
    let alarms = app.store().open_drift(&scope, ALARMS).await?;
    let more = alarms.len() == usize::from(ALARMS);
    let mut items = Vec::with_capacity(alarms.len());
    for alarm in alarms {
        let events = app.store().events_of(&scope, &alarm.misses).await?;
        let configuration = Arc::clone(&caller.configuration);
        items.push(blocking(move || view(&alarm, &events, &configuration)).await?);
    }
    Ok(Json(DriftsView { items, more }))
}

impl From<DriftsView> for Lot {
    fn from(found: DriftsView) -> Self {
        Self {
            items: found.items.iter().map(|item| json!(item)).collect(),
            next: None,
            is_cut: found.more,
        }
    }
}

fn view(alarm: &Watched, events: &[Event], configuration: &Configuration) -> DriftView {
    let bodies: Vec<&str> = events.iter().map(|event| event.body.as_str()).collect();
    let remainders: Vec<&str> = events
        .iter()
        .map(|event| event.reading.remainder.as_str())
        .collect();
    let samples = events.iter().rev().take(SAMPLES).map(|event| SampleView {
        event_id: event.id.to_string(),
        body: front(&event.body),
    });
    DriftView {
        subject: alarm.subject.clone(),
        event: alarm.kind.clone(),
        source: Named::source(alarm.key.source, configuration),
        company: alarm
            .key
            .company
            .map(|company| Named::company(company, configuration)),
        since: alarm.opened_at.unwrap_or(alarm.changed_at),
        before: alarm.state.before(),
        now: alarm.state.now(),
        new_tail: new_tail(&remainders, &bodies),
        samples: samples.collect(),
        suggestion: suggestion(alarm, &bodies, configuration.catalogue()),
        events: events.iter().map(|event| event.id.to_string()).collect(),
    }
}

fn suggestion(alarm: &Watched, bodies: &[&str], catalogue: &Catalogue) -> Option<ProposalView> {
    let proposal = alertwire_catalogue::learn(bodies)
        .proposals
        .into_iter()
        .next()?;
    let read_by = read_by(catalogue, &alarm.subject, &proposal);
    Some(ProposalView::new(proposal, read_by))
}

pub(crate) mod export;

use std::collections::HashMap;
use std::sync::Arc;

use alertwire_catalogue::Catalogue;
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::event::{Event, Match};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{about, folded, front, is_unread, permit, walk};
use crate::App;
use crate::api::Answer;
use crate::api::export::Lot;
use crate::api::what_if::{days, last_days};
use crate::problem::Problem;
use crate::read::{Caller, Params, Query, Viewer};

/// Subjects that are told apart while events are counted, and those that an answer lists.
const SUBJECTS: usize = 10_000;
const LISTED: usize = 100;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnknownQuery {
    /// How many days to look back, 1 to 30; 7 unless told.
    #[param(value_type = Option<u16>)]
    pub(crate) days: Option<String>,
    /// Id or name of a company: alerts of its events alone.
    pub(crate) company: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnknownsView {
    pub(crate) days: u16,
    /// Events that were looked at, and whether all of these days were.
    pub(crate) events: u64,
    pub(crate) complete: bool,
    /// The subjects with most unread events first, at most 100.
    pub(crate) items: Vec<UnknownView>,
    /// There are further subjects.
    pub(crate) more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnknownView {
    pub(crate) subject: String,
    /// The kind that the subject names; null when it names none.
    pub(crate) event: Option<String>,
    /// Events that no template reads, and those of which one reads only the front.
    pub(crate) none: u64,
    pub(crate) partial: u64,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_seen: Timestamp,
    /// The newest of them, and its body (the front of a long one).
    pub(crate) event_id: String,
    pub(crate) sample: String,
}

/// Subjects whose alerts are not read in full, by how many there are.
#[utoipa::path(get, path = "/api/v1/catalog/unknown", tag = "catalogue", params(UnknownQuery),
    responses((status = 200, body = UnknownsView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<UnknownQuery>,
) -> Answer<UnknownsView> {
    Ok(Json(counted(&app, &caller, query, LISTED).await?))
}

/// The same with all that are told apart, for a file.
async fn all(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<UnknownQuery>,
) -> Answer<UnknownsView> {
    Ok(Json(counted(&app, &caller, query, SUBJECTS).await?))
}

impl From<UnknownsView> for Lot {
    fn from(found: UnknownsView) -> Self {
        Self {
            items: found.items.iter().map(|item| json!(item)).collect(),
            next: None,
            is_cut: found.more || !found.complete,
        }
    }
}

async fn counted(
    app: &App,
    caller: &Caller,
    query: UnknownQuery,
    most: usize,
) -> Result<UnknownsView, Problem> {
    let mut params = Params::default();
    let back = params.with("days", query.days.as_deref(), |text| {
        days(text.parse().unwrap_or(0))
    });
    let scope = about(&mut params, query.company.as_deref(), caller);
    params.finish()?;
    let back = back.unwrap_or(7);
    let _permit = permit(app)?;
    let counting = Counting {
        catalogue: Arc::clone(caller.configuration.catalogue()),
        subjects: HashMap::new(),
        more: false,
    };
    let over = last_days(back, app.now());
    let (counting, examined) = walk(app, &scope, over, counting, Counting::see).await?;
    let mut items: Vec<UnknownView> = counting.subjects.into_values().collect();
    items.sort_by(|one, two| {
        let count = |view: &UnknownView| view.none + view.partial;
        count(two)
            .cmp(&count(one))
            .then_with(|| one.subject.cmp(&two.subject))
    });
    let more = counting.more || items.len() > most;
    items.truncate(most);
    Ok(UnknownsView {
        days: back,
        events: examined.events,
        complete: examined.complete,
        items,
        more,
    })
}

struct Counting {
    catalogue: Arc<Catalogue>,
    subjects: HashMap<String, UnknownView>,
    more: bool,
}

impl Counting {
    fn see(&mut self, event: &Event) -> bool {
        if !is_unread(event, &self.catalogue) {
            return true;
        }
        let key = folded(&event.subject);
        if self.subjects.len() == SUBJECTS && !self.subjects.contains_key(&key) {
            self.more = true;
            return true;
        }
        // Events come newest first, so the first of a subject is the one that is shown.
        let view = self.subjects.entry(key).or_insert_with(|| UnknownView {
            subject: event.subject.clone(),
            event: event.kind.clone(),
            none: 0,
            partial: 0,
            last_seen: event.received_at,
            event_id: event.id.to_string(),
            sample: front(&event.body),
        });
        match event.reading.matched {
            Match::Partial => view.partial += 1,
            _ => view.none += 1,
        }
        true
    }
}

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::event::{Match, Reason};
use domain::filter::{Filter, Place};
use domain::message::Decode;
use serde::{Deserialize, Serialize};
use store::{EventQuery, PageAt};
use utoipa::{IntoParams, ToSchema};

use super::{EventView, search_page, views};
use crate::App;
use crate::api::Answer;
use crate::api::fields::find_company;
use crate::problem::Problem;
use crate::read::page::{no_page, page_at};
use crate::read::{Caller, Params, Query, Viewer};

/// Most characters of a search.
const TEXT_CHARS: usize = 256;

#[derive(Debug, Clone, Default, Deserialize, Serialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Code of a kind.
    pub(crate) event: Option<String>,
    pub(crate) category: Option<String>,
    /// Id or name of a company.
    pub(crate) company: Option<String>,
    /// Id of a source.
    pub(crate) source: Option<String>,
    /// At least this severity.
    pub(crate) severity: Option<String>,
    /// `routed`, `unrouted`, `unmatched` (no mapping or rule took it) or the reason why not: `loop`, `unassigned_company`, `no_mapping`, `mapping_off`, `no_rule`,
    /// `silenced`, `reread`.
    pub(crate) routing: Option<String>,
    /// `full`, `partial` or `none`.
    #[serde(rename = "match")]
    pub(crate) matched: Option<String>,
    /// `ok`, `repaired` or `failed`.
    pub(crate) decode: Option<String>,
    /// Received at this time or later.
    pub(crate) since: Option<String>,
    /// Received before this time.
    pub(crate) until: Option<String>,
    /// Words of subject and body.
    pub(crate) text: Option<String>,
    /// Id of a message.
    pub(crate) journal: Option<String>,
    pub(crate) fingerprint: Option<String>,
    /// Id of the silence that muted it.
    pub(crate) silence: Option<String>,
    /// `true`: only events that were seen more than once.
    #[param(value_type = Option<bool>)]
    pub(crate) repeated: Option<String>,
    /// What else must hold, in the filter language: `event=problem.* field.hostname=~"web-.*"`.
    pub(crate) filter: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// One page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventListing {
    items: Vec<EventView>,
    /// The cursor of the next page; null when this is the last.
    next: Option<String>,
    /// How far back this page has looked, when it ended before it was full: a search for what is rare goes on with `next`.
    #[schema(value_type = Option<String>, format = DateTime)]
    scanned_until: Option<Timestamp>,
}

/// Events, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventsQuery),
    responses((status = 200, body = EventListing)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<EventsQuery>,
) -> Answer<EventListing> {
    let (query, at) = query.parse(&caller)?;
    let page = search_page(&app, caller.scope(), &query, &at).await?;
    let items = views(page.items, caller.configuration).await?;
    Ok(Json(EventListing {
        items,
        next: page.next,
        scanned_until: page.scanned_until,
    }))
}

impl EventsQuery {
    pub(crate) fn parse(mut self, caller: &Caller) -> Result<(EventQuery, PageAt), Problem> {
        let mut params = Params::default();
        let at = page_at(
            &mut params,
            self.limit.take().as_deref(),
            self.cursor.take(),
        );
        let query = self.read(&mut params, caller);
        params.finish()?;
        Ok((query, at))
    }

    /// What is asked for, whichever page of it; a page in a place that has none is a broken rule.
    pub(crate) fn read(&self, params: &mut Params, caller: &Caller) -> EventQuery {
        let matches = [Match::Full, Match::Partial, Match::None];
        let decodes = [Decode::Ok, Decode::Repaired, Decode::Failed];
        no_page(params, self.limit.as_deref(), self.cursor.as_deref());
        EventQuery {
            kind: self.event.clone().filter(|code| !code.is_empty()),
            category: self
                .category
                .clone()
                .filter(|category| !category.is_empty()),
            company: params.with("company", self.company.as_deref(), |text| {
                find_company(text, caller)
            }),
            source: params.read("source", self.source.as_deref()),
            severity_least: params.read("severity", self.severity.as_deref()),
            routing: params.with("routing", self.routing.as_deref(), routing),
            matched: params.with("match", self.matched.as_deref(), |text| {
                word(text, &matches, |one| one.as_str())
            }),
            decode: params.with("decode", self.decode.as_deref(), |text| {
                word(text, &decodes, |one| one.as_str())
            }),
            since: params.read("since", self.since.as_deref()),
            until: params.read("until", self.until.as_deref()),
            text: params.with("text", self.text.as_deref(), text),
            message: params.read("journal", self.journal.as_deref()),
            fingerprint: params.read("fingerprint", self.fingerprint.as_deref()),
            silence: params.read("silence", self.silence.as_deref()),
            repeated: params.read("repeated", self.repeated.as_deref()) == Some(true),
            filter: params.with("filter", self.filter.as_deref(), search),
            oldest_first: false,
        }
    }
}

fn word<T: Copy>(text: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    let names = || {
        all.iter()
            .map(|one| name(*one))
            .collect::<Vec<_>>()
            .join(", ")
    };
    all.iter()
        .copied()
        .find(|one| name(*one) == text)
        .ok_or_else(|| format!("is one of {}", names()))
}

fn routing(text: &str) -> Result<String, String> {
    let mut words = vec!["routed", "unrouted", "unmatched"];
    words.extend(Reason::ALL.map(Reason::as_str));
    if words.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("is one of {}", words.join(", ")))
    }
}

fn text(text: &str) -> Result<String, String> {
    if text.chars().count() > TEXT_CHARS {
        return Err(format!("has at most {TEXT_CHARS} characters"));
    }
    Ok(text.to_owned())
}

/// The filter of a search.
pub(super) fn search(text: &str) -> Result<Filter, String> {
    Filter::parse_for(Place::Search, text).map_err(|error| error.to_string())
}

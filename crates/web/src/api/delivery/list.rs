use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::{DeliveryId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DeliveryQuery, DeliveryRow, PageAt, Standing};
use utoipa::{IntoParams, ToSchema};

use super::{AttemptView, DeliveryView};
use crate::App;
use crate::api::Answer;
use crate::api::fields::find_company;
use crate::problem::Problem;
use crate::read::page::{no_page, page_at};
use crate::read::{Caller, Params, Query, Viewer};

/// Most deliveries that a query names.
const IDS: usize = 1_000;
/// Most characters of a text, a code of a kind or a category that is searched for.
const TEXT_CHARS: usize = 256;

#[derive(Debug, Clone, Default, Deserialize, Serialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// Ids of deliveries, parted by commas; at most 1,000.
    pub(crate) id: Option<String>,
    /// `pending`, `delivered`, `parked` or `dead`.
    pub(crate) status: Option<String>,
    /// Id of an integration.
    pub(crate) integration: Option<String>,
    /// Id or name of a company.
    pub(crate) company: Option<String>,
    /// Id of an event.
    pub(crate) event: Option<String>,
    /// Class of what the last attempt failed by: `dns`, `timeout`, …
    pub(crate) cause: Option<String>,
    /// `true`: only deliveries whose last attempt failed, dead or tried again.
    #[param(value_type = Option<bool>)]
    pub(crate) failing: Option<String>,
    /// Why it is dead: `exhausted`, `gone`, `held_too_long`, `removed`, `corrupt` or `cancelled`.
    pub(crate) reason: Option<String>,
    /// Whose fault it is that it is dead: `receiver` or `ours`.
    pub(crate) fault: Option<String>,
    /// Code of the kind of its events; `*` stands for any characters: `problem.*`. What asks for a kind, a category or a text
    /// finds no delivery whose event retention has taken.
    pub(crate) kind: Option<String>,
    /// Category of the kind of its events.
    pub(crate) category: Option<String>,
    /// What the subject holds, letters A to Z in either case.
    pub(crate) text: Option<String>,
    /// HTTP code of the last attempt, or a class of codes: `503`, `5xx`.
    pub(crate) code: Option<String>,
    /// The last attempt took at least so many milliseconds.
    #[param(value_type = Option<u32>)]
    pub(crate) took_millis: Option<String>,
    /// Made at this time or later.
    pub(crate) since: Option<String>,
    /// Made before this time.
    pub(crate) until: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// One page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryListing {
    items: Vec<DeliveryView>,
    /// The cursor of the next page; null when this is the last.
    next: Option<String>,
    /// How far back this page has looked, when it ended before it was full: a search for what is rare goes on with `next`.
    #[schema(value_type = Option<String>, format = DateTime)]
    scanned_until: Option<Timestamp>,
}

/// Deliveries, newest first. The attempts are without headers and bodies here.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", params(DeliveriesQuery),
    responses((status = 200, body = DeliveryListing)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<DeliveriesQuery>,
) -> Answer<DeliveryListing> {
    let (query, at) = query.parse(&caller)?;
    let page = app.store().deliveries(caller.scope(), &query, &at).await?;
    let items = views(&app, caller.scope(), page.items, &caller.configuration).await?;
    Ok(Json(DeliveryListing {
        items,
        next: page.next,
        scanned_until: page.scanned_until,
    }))
}

/// Deliveries with their attempts in short.
pub(super) async fn views(
    app: &App,
    scope: &Scope,
    rows: Vec<DeliveryRow>,
    configuration: &Configuration,
) -> Result<Vec<DeliveryView>, Problem> {
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let attempts =
            if row.attempts == 0 && row.cause.is_none() && row.standing == Standing::Pending {
                Vec::new()
            } else {
                app.store().attempts(scope, row.id).await?
            };
        let attempts = attempts.into_iter().map(AttemptView::short).collect();
        views.push(DeliveryView::new(row, attempts, configuration));
    }
    Ok(views)
}

impl DeliveriesQuery {
    /// What is asked for where there are no pages.
    pub(crate) fn whole(&self, caller: &Caller) -> Result<DeliveryQuery, Problem> {
        let mut params = Params::default();
        let query = self.read(&mut params, caller);
        params.finish()?;
        Ok(query)
    }

    pub(crate) fn parse(mut self, caller: &Caller) -> Result<(DeliveryQuery, PageAt), Problem> {
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
    pub(crate) fn read(&self, params: &mut Params, caller: &Caller) -> DeliveryQuery {
        no_page(params, self.limit.as_deref(), self.cursor.as_deref());
        DeliveryQuery {
            ids: params
                .with("id", self.id.as_deref(), ids)
                .unwrap_or_default(),
            standing: params.read("status", self.status.as_deref()),
            integration: params.read("integration", self.integration.as_deref()),
            company: params.with("company", self.company.as_deref(), |text| {
                find_company(text, caller)
            }),
            event: params.read("event", self.event.as_deref()),
            cause: self.cause.clone().filter(|cause| !cause.is_empty()),
            failing: params.read("failing", self.failing.as_deref()) == Some(true),
            reason: params.read("reason", self.reason.as_deref()),
            fault: params.read("fault", self.fault.as_deref()),
            uncancelled: false,
            kind: params.with("kind", self.kind.as_deref(), text),
            category: params.with("category", self.category.as_deref(), text),
            text: params.with("text", self.text.as_deref(), text),
            codes: params.read("code", self.code.as_deref()),
            took_least: params
                .read::<u32>("took_millis", self.took_millis.as_deref())
                .map(|millis| Duration::from_millis(millis.into())),
            since: params.read("since", self.since.as_deref()),
            until: params.read("until", self.until.as_deref()),
        }
    }
}

fn text(text: &str) -> Result<String, String> {
    if text.chars().count() > TEXT_CHARS {
        return Err(format!("has at most {TEXT_CHARS} characters"));
    }
    Ok(text.to_owned())
}

fn ids(text: &str) -> Result<Vec<DeliveryId>, String> {
    let named: Vec<&str> = text.split(',').take(IDS + 1).collect();
    if named.len() > IDS {
        return Err(format!("names at most {IDS} deliveries"));
    }
    let read = |id: &str| id.trim().parse::<DeliveryId>();
    let ids: Result<Vec<_>, _> = named.into_iter().map(read).collect();
    ids.map_err(|error| error.to_string())
}

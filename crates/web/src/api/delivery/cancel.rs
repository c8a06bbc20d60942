//! Deliveries that a person wants no more: one, or all that a filter means.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::{DeliveryId, IntegrationId};
use serde::{Deserialize, Serialize};
use store::{Cancel, DeliveryQuery, PageAt, Standing, Store};
use utoipa::ToSchema;

use super::DeliveryView;
use super::get::show;
use super::list::DeliveriesQuery;
use crate::App;
use crate::api::job::words;
use crate::api::{Answer, Named};
use crate::problem::Problem;
use crate::read::{Caller, Form, Id, Operator, Params};

/// Most deliveries that one request cancels.
pub(crate) const MOST: usize = 10_000;
/// Most pages of deliveries that are gone over to find them; where what fits is rare, many of them are empty.
const PAGES: usize = 64;
/// Where those stand that can be cancelled.
const STANDINGS: [Standing; 2] = [Standing::Pending, Standing::Parked];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelForm {
    /// By the query keys of `GET /api/v1/deliveries`, one at least. Of what they mean, that which is pending or parked.
    filter: DeliveriesQuery,
    /// Only tell how many there are.
    #[serde(default)]
    dry_run: bool,
}

/// What was cancelled, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CancelView {
    /// Pending or parked deliveries that fit.
    pub(crate) count: usize,
    /// Where they would have gone, the most first.
    pub(crate) integrations: Vec<CancelShare>,
    /// More fits than the 10,000 that one request takes, or than could be looked for: ask again for the others.
    pub(crate) truncated: bool,
    /// What will not be sent any more; null in a dry run.
    pub(crate) cancelled: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CancelShare {
    pub(crate) integration: Named,
    pub(crate) count: usize,
}

/// Those that fit and can be cancelled.
#[derive(Debug, Default)]
pub(crate) struct Found {
    ids: Vec<DeliveryId>,
    integrations: BTreeMap<IntegrationId, usize>,
    truncated: bool,
}

/// Cancel a delivery that is pending or parked: it is dead with the reason `cancelled` and is not tried again. An attempt that
/// is in flight cannot be called back; if it arrives, the delivery is delivered. A retry by hand takes the cancel back.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/cancel", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryView)))]
pub(crate) async fn cancel(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<DeliveryId>,
) -> Answer<DeliveryView> {
    match cancel_all(&app, &caller, &[id]).await?[..] {
        [Cancel::Done | Cancel::Before] => show(&app, &caller, id).await.map(Json),
        [Cancel::Ended] => Err(Problem::wrong_state(
            "it has ended already; there is nothing to cancel",
        )),
        _ => Err(Problem::not_found("delivery")),
    }
}

/// Cancel all pending and parked deliveries that a filter means, at most 10,000 at a time, or with `dry_run` only tell how many.
#[utoipa::path(post, path = "/api/v1/deliveries/cancel", tag = "deliveries", request_body = CancelForm,
    responses((status = 200, body = CancelView)))]
pub(crate) async fn cancel_many(
    app: State<App>,
    Operator(caller): Operator,
    Form(form): Form<CancelForm>,
) -> Answer<CancelView> {
    let found = look(&app, &caller, &form).await?;
    let cancelled = match form.dry_run {
        true => None,
        false => Some(found.cancel(&app, &caller).await?),
    };
    Ok(Json(CancelView {
        cancelled,
        ..found.view(&caller)
    }))
}

/// What a form means and can be cancelled. Whoever asks has been found to be an operator.
pub(crate) async fn look(app: &App, caller: &Caller, form: &CancelForm) -> Result<Found, Problem> {
    Found::look(app, caller, form.query(caller)?).await
}

async fn cancel_all(
    app: &App,
    caller: &Caller,
    ids: &[DeliveryId],
) -> Result<Vec<Cancel>, Problem> {
    let (now, actor) = (app.now(), caller.actor());
    let mut told = Vec::with_capacity(ids.len());
    for some in ids.chunks(Store::CANCELLED_AT_ONCE) {
        let store = app.store();
        told.extend(store.cancel(caller.scope(), some, now, &actor).await?);
    }
    Ok(told)
}

impl CancelForm {
    fn query(&self, caller: &Caller) -> Result<DeliveryQuery, Problem> {
        let mut params = Params::at("/filter/");
        let query = self.filter.read(&mut params, caller);
        if query
            .standing
            .is_some_and(|standing| !STANDINGS.contains(&standing))
        {
            params.error(
                "status",
                "is pending or parked; what has ended cannot be cancelled",
            );
        }
        params.finish()?;
        if words(&self.filter)
            .as_object()
            .is_none_or(serde_json::Map::is_empty)
        {
            let detail = "name at least one key, or everything that waits would be cancelled; `{\"status\": \"pending\"}` is all that is pending";
            return Err(Problem::field("/filter", detail));
        }
        Ok(query)
    }
}

impl Found {
    /// The newest first.
    async fn look(app: &App, caller: &Caller, query: DeliveryQuery) -> Result<Self, Problem> {
        let mut found = Self::default();
        let mut pages = 0;
        for standing in STANDINGS {
            if query.standing.is_some_and(|asked| asked != standing) {
                continue;
            }
            let query = DeliveryQuery {
                standing: Some(standing),
                ..query.clone()
            };
            let mut cursor = None;
            loop {
                let at = PageAt::new(Some(PageAt::MOST), cursor.take());
                let page = app.store().deliveries(caller.scope(), &query, &at).await?;
                for row in page.items {
                    if found.ids.len() >= MOST {
                        found.truncated = true;
                        return Ok(found);
                    }
                    found.ids.push(row.id);
                    *found.integrations.entry(row.integration).or_default() += 1;
                }
                pages += 1;
                match page.next {
                    Some(_) if pages >= PAGES => {
                        found.truncated = true;
                        return Ok(found);
                    }
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// Cancels these and no others; answers how many of them still waited.
    pub(crate) async fn cancel(&self, app: &App, caller: &Caller) -> Result<usize, Problem> {
        let told = cancel_all(app, caller, &self.ids).await?;
        let done = told.into_iter().filter(|told| *told == Cancel::Done);
        Ok(done.count())
    }

    pub(crate) fn view(&self, caller: &Caller) -> CancelView {
        let share = |(id, count): (&IntegrationId, &usize)| CancelShare {
            integration: Named::integration(*id, &caller.configuration),
            count: *count,
        };
        let mut integrations: Vec<_> = self.integrations.iter().map(share).collect();
        integrations.sort_by_key(|share| std::cmp::Reverse(share.count));
        CancelView {
            count: self.ids.len(),
            integrations,
            truncated: self.truncated,
            cancelled: None,
        }
    }
}

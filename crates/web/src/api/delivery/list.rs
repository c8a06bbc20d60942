use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use store::{DeliveryQuery, PageAt, Standing};
use utoipa::IntoParams;

use super::{AttemptView, DeliveryView};
use crate::App;
use crate::api::Answer;
use crate::api::fields::find_company;
use crate::problem::Problem;
use crate::read::page::page_at;
use crate::read::{Caller, Listing, Params, Query, Viewer};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// `pending`, `delivered`, `parked` or `dead`.
    status: Option<String>,
    /// Id of an integration.
    integration: Option<String>,
    /// Id or name of a company.
    company: Option<String>,
    /// Id of an event.
    event: Option<String>,
    /// Class of what the last attempt failed by: `dns`, `timeout`, …
    cause: Option<String>,
    /// Made at this time or later.
    since: Option<String>,
    /// Made before this time.
    until: Option<String>,
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    cursor: Option<String>,
}

/// Deliveries, newest first. The attempts are without headers and bodies here.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", params(DeliveriesQuery),
    responses((status = 200, body = Listing<DeliveryView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<DeliveriesQuery>,
) -> Answer<Listing<DeliveryView>> {
    let (query, at) = query.parse(&caller)?;
    let page = app.store().deliveries(caller.scope(), &query, &at).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        let attempts =
            if row.attempts == 0 && row.cause.is_none() && row.standing == Standing::Pending {
                Vec::new()
            } else {
                app.store().attempts(caller.scope(), row.id).await?
            };
        let attempts = attempts.into_iter().map(AttemptView::short).collect();
        items.push(DeliveryView::new(row, attempts, &caller.configuration));
    }
    Ok(Json(Listing {
        items,
        next: page.next,
    }))
}

impl DeliveriesQuery {
    fn parse(self, caller: &Caller) -> Result<(DeliveryQuery, PageAt), Problem> {
        let mut params = Params::default();
        let query = DeliveryQuery {
            standing: params.read("status", self.status.as_deref()),
            integration: params.read("integration", self.integration.as_deref()),
            company: params.with("company", self.company.as_deref(), |text| {
                find_company(text, caller)
            }),
            event: params.read("event", self.event.as_deref()),
            cause: self.cause.filter(|cause| !cause.is_empty()),
            since: params.read("since", self.since.as_deref()),
            until: params.read("until", self.until.as_deref()),
        };
        let at = page_at(&mut params, self.limit.as_deref(), self.cursor);
        params.finish()?;
        Ok((query, at))
    }
}

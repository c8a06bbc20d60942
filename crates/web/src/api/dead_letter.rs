//! Dead letters by cause.

use axum::Json;
use axum::extract::State;
use delivery::Fault;
use domain::Timestamp;
use domain::configuration::Configuration;
use serde::{Deserialize, Serialize};
use store::{DeadLetterRow, DeadQuery};
use utoipa::{IntoParams, ToSchema};

use super::fields::find_company;
use super::{Answer, Named};
use crate::App;
use crate::problem::Problem;
use crate::read::{Caller, Params, Query, Viewer};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadLettersQuery {
    /// Id of an integration.
    integration: Option<String>,
    /// Id or name of a company.
    company: Option<String>,
    /// Made at this time or later.
    since: Option<String>,
    /// Made before this time.
    until: Option<String>,
}

/// Dead letters of one integration that died of the same.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterView {
    integration: Named,
    /// Why they were given up: `exhausted`, `gone`, `held_too_long`, `removed`, `corrupt` or `cancelled`.
    #[schema(value_type = String)]
    reason: &'static str,
    /// The class of what the last attempt failed by.
    cause: Option<String>,
    /// `receiver` or `ours`; null where a person cancelled them.
    #[schema(value_type = Option<String>)]
    fault: Option<&'static str>,
    count: u64,
    /// When the oldest of them was made.
    #[schema(value_type = String, format = DateTime)]
    oldest: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    newest: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLettersView {
    items: Vec<DeadLetterView>,
    /// There are more than the 1,000,000 dead letters that are counted or the 1,000 groups that are told; narrow the query.
    truncated: bool,
}

/// Dead letters by integration and cause, the most frequent first.
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "deliveries", params(DeadLettersQuery),
    responses((status = 200, body = DeadLettersView)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<DeadLettersQuery>,
) -> Answer<DeadLettersView> {
    let query = query.parse(&caller)?;
    let letters = app.store().dead_letters(caller.scope(), &query).await?;
    let view = |row| DeadLetterView::new(row, &caller.configuration);
    Ok(Json(DeadLettersView {
        items: letters.rows.into_iter().map(view).collect(),
        truncated: letters.truncated,
    }))
}

impl DeadLettersQuery {
    fn parse(self, caller: &Caller) -> Result<DeadQuery, Problem> {
        let mut params = Params::default();
        let query = DeadQuery {
            integration: params.read("integration", self.integration.as_deref()),
            company: params.with("company", self.company.as_deref(), |text| {
                find_company(text, caller)
            }),
            since: params.read("since", self.since.as_deref()),
            until: params.read("until", self.until.as_deref()),
        };
        params.finish()?;
        Ok(query)
    }
}

impl DeadLetterView {
    fn new(row: DeadLetterRow, configuration: &Configuration) -> Self {
        Self {
            integration: Named::integration(row.integration, configuration),
            reason: row.reason.as_str(),
            cause: row.cause,
            fault: row.reason.fault().map(Fault::as_str),
            count: row.count,
            oldest: row.oldest,
            newest: row.newest,
        }
    }
}

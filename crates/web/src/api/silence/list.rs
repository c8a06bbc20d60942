use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::silence::{Silence, State as Life};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{SilenceView, seen};
use crate::App;
use crate::api::Answer;
use crate::api::fields::find_company;
use crate::read::{Listing, PageQuery, Params, Query, Viewer, listing};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SilencesQuery {
    /// `active`, `scheduled` or `ended`.
    pub(crate) state: Option<String>,
    /// Id or name of a company: those that may mute its events.
    pub(crate) company: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// Silences, newest first. Those that have ended are kept for 90 days.
#[utoipa::path(get, path = "/api/v1/silences", tag = "silences", params(SilencesQuery),
    responses((status = 200, body = Listing<SilenceView>)))]
pub(crate) async fn list(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<SilencesQuery>,
) -> Answer<Listing<SilenceView>> {
    let mut params = Params::default();
    let state = params.with("state", query.state.as_deref(), state);
    let company = params.with("company", query.company.as_deref(), |text| {
        find_company(text, &caller)
    });
    params.finish()?;
    let now = app.now();
    let wanted = |silence: &&Arc<Silence>| {
        seen(silence, &caller)
            && state.is_none_or(|state| silence.state(now) == state)
            && company.is_none_or(|company| silence.covers(Some(company)))
    };
    let silences = caller.configuration.silences().filter(wanted);
    let page = PageQuery::new(query.limit, query.cursor)
        .of(silences, |silence: &&Arc<Silence>| silence.id)?;
    Ok(Json(listing(page, |silence| {
        SilenceView::new(silence, &caller, now)
    })))
}

fn state(text: &str) -> Result<Life, String> {
    Life::ALL
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| format!("is one of {}", Life::ALL.map(Life::as_str).join(", ")))
}

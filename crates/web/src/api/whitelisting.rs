//! What a receiver's firewall has to let in, for whoever runs that firewall.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::App;
use crate::read::Viewer;

const PATH: &str = "/api/v1/whitelisting";

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhitelistingView {
    #[schema(value_type = String)]
    user_agent: &'static str,
    #[schema(value_type = String)]
    method: &'static str,
    #[schema(value_type = String)]
    content_type: &'static str,
    /// Headers that each alert carries.
    #[schema(value_type = Vec<String>)]
    headers: &'static [&'static str],
    /// How the addresses that requests come from are found.
    #[schema(value_type = String)]
    addresses: &'static str,
    /// What may be reached although it is not public; shown to keys for all companies.
    allow: Vec<String>,
}

/// Where it is shown.
pub(super) fn link(app: &App) -> String {
    format!("{}{PATH}", app.settings().public_url.as_str())
}

/// What the receiver's firewall has to let in.
#[utoipa::path(get, path = "/api/v1/whitelisting", tag = "integrations", responses((status = 200, body = WhitelistingView)))]
pub(crate) async fn get(app: State<App>, Viewer(caller): Viewer) -> Answer<WhitelistingView> {
    let allow = if caller.sees_all() {
        app.egress().allow()
    } else {
        &[]
    };
    Ok(Json(WhitelistingView {
        user_agent: egress::USER_AGENT,
        method: "POST",
        content_type: "application/json",
        headers: &[
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "traceparent",
            "alertwire-event",
            "alertwire-severity",
            "alertwire-company",
            "alertwire-occurred-at",
            "alertwire-via",
        ],
        addresses: "requests leave by this machine's own addresses; ask whoever runs it for the one that the Internet sees",
        allow: allow.iter().map(ToString::to_string).collect(),
    }))
}

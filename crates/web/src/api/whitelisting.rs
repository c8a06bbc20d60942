//! What a receiver's firewall has to let in, for whoever runs that firewall.

use axum::Json;
use axum::extract::State;
use ipnet::IpNet;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::App;
use crate::read::Viewer;

const PATH: &str = "/api/v1/whitelisting";
const GUIDE: &str = "docs/whitelisting.md";
const KNOWN: &str = "let these addresses in; the operator has named them";
const UNKNOWN: &str = "requests leave by this machine's own addresses; ask whoever runs it for the one that the Internet sees, \
                       and to name it under egress.addresses";

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhitelistingView {
    #[schema(value_type = String)]
    pub(crate) user_agent: &'static str,
    #[schema(value_type = String)]
    pub(crate) method: &'static str,
    #[schema(value_type = String)]
    pub(crate) content_type: &'static str,
    /// Headers that each alert carries.
    #[schema(value_type = Vec<String>)]
    pub(crate) headers: &'static [&'static str],
    /// Addresses and ranges that requests come from, as `egress.addresses` has them.
    pub(crate) addresses: Vec<String>,
    /// What to do when there are none.
    #[schema(value_type = String)]
    pub(crate) note: &'static str,
    /// Ports that need no entry in the list of what may be reached.
    #[schema(value_type = Vec<u16>)]
    pub(crate) ports: &'static [u16],
    /// The page of the documentation that explains all this.
    #[schema(value_type = String)]
    pub(crate) guide: &'static str,
    /// What may be reached although it is not public; shown to keys for all companies.
    pub(crate) allow: Vec<String>,
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
    let addresses = &app.settings().egress_addresses;
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
        note: if addresses.is_empty() { UNKNOWN } else { KNOWN },
        addresses: addresses.iter().map(written).collect(),
        ports: connectors::PORTS,
        guide: GUIDE,
        allow: allow.iter().map(ToString::to_string).collect(),
    }))
}

/// An address alone without the length of its prefix, as firewalls are told it.
fn written(range: &IpNet) -> String {
    if range.prefix_len() == range.max_prefix_len() {
        range.addr().to_string()
    } else {
        range.to_string()
    }
}

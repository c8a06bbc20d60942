//! What is set up of one connector.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use domain::access::Scope;
use domain::integration::Integration;
use domain::{IntegrationId, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use store::{DeliveryQuery, PageAt};
use url::Url;

use super::tabs::{self, State};
use crate::App;
use crate::api::integration::seen;
use crate::console::by_name::ByName;
use crate::console::delivery::Badge;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, filters, page, query};
use crate::problem::Problem;
use crate::read::{PageQuery, Query};

/// Rows that are asked for their newest delivery, a query each. Where some deliveries are hidden it would be a long search.
const LATEST: usize = 100;

#[derive(Debug, Template)]
#[template(path = "integration/list.html")]
pub(super) struct ListPage {
    frame: Frame,
    connector: String,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug)]
struct Row {
    id: String,
    path: String,
    name: String,
    host: String,
    state: State,
    companies: String,
    last: Option<Last>,
}

/// The newest delivery.
#[derive(Debug)]
struct Last {
    path: String,
    at: Timestamp,
    badge: Badge,
}

pub(super) async fn show(
    app: Shared<App>,
    visitor: Visitor,
    Path(connector): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    if !connectors::known().contains(&connector.as_str()) {
        return Err(Problem::not_found("connector"));
    }
    let gates = app.store().gates().await?;
    let caller = &visitor.caller;
    let all = caller.configuration.integrations();
    let own = all.filter(|one| one.connector == connector && seen(one, caller));
    let list = list(&connector, asked.limit.as_deref());
    let at = PageQuery::new(asked.limit, asked.cursor).or(ROWS);
    let is_later = at.is_later();
    let found = at.of(own, |one: &&Arc<Integration>| {
        ByName::new(&one.name, one.id)
    })?;
    let mut rows = Vec::new();
    for one in found.items {
        let state = State::of(one, &gates.get(&one.id).cloned().unwrap_or_default());
        let seen = one.companies.iter().filter(|id| caller.sees(**id)).count();
        let last = match rows.len() < LATEST && caller.sees_all() {
            true => last(&app, one.id).await?,
            false => None,
        };
        rows.push(Row {
            id: one.id.to_string(),
            path: tabs::path(&one.connector, one.id),
            name: visible(&one.name),
            host: visible(&host(one)),
            state,
            companies: match one.companies.is_empty() {
                true => "all".to_owned(),
                false => seen.to_string(),
            },
            last,
        });
    }
    page(&ListPage {
        rows,
        next: found.next.map(|cursor| list.next(&cursor)),
        is_later,
        files: files(&connector),
        state: list,
        frame: Frame::new(&visitor, Here::Integrations, "Webhook", None),
        connector,
    })
}

fn list(connector: &str, limit: Option<&str>) -> query::State {
    let path = format!("/settings/integrations/{connector}");
    query::State::new(path, &[("limit", limit)])
}

/// The API has those of all connectors in one list.
fn files(connector: &str) -> query::Files {
    let meant = query::State::new("", &[("connector", Some(connector))]);
    meant.files("/api/v1/integrations/export")
}

async fn last(app: &App, id: IntegrationId) -> Result<Option<Last>, Problem> {
    let query = DeliveryQuery {
        integration: Some(id),
        ..DeliveryQuery::default()
    };
    let newest = PageAt::new(Some(1), None);
    let found = app.store().deliveries(&Scope::All, &query, &newest).await?;
    Ok(found.items.into_iter().next().map(|row| Last {
        path: format!("/deliveries/{}", row.id),
        at: row.created_at,
        badge: Badge::from(row.standing),
    }))
}

fn host(integration: &Integration) -> String {
    let url = integration
        .fields
        .get("webhook_url")
        .and_then(Value::as_str);
    let url = url.and_then(|url| Url::parse(url).ok());
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or_default().to_owned()
}

impl ListPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        use store::Standing;
        let row = || Row {
            id: "1".to_owned(),
            path: "/settings/integrations/webhook/1".to_owned(),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            host: "hooks.example.com".to_owned(),
            state: State {
                class: "good",
                glyph: "✓",
                word: "Active",
                reason: Some("<b>\"".to_owned()),
            },
            companies: "all".to_owned(),
            last: Some(Last {
                path: "/deliveries/1".to_owned(),
                at: Timestamp::from_micros(0),
                badge: Badge::from(Standing::Delivered),
            }),
        };
        let page = |rows: Vec<Row>, is_later| Self {
            frame: Frame::sample(Here::Integrations),
            connector: "webhook".to_owned(),
            state: list("webhook", None),
            files: files("webhook"),
            next: (!rows.is_empty()).then(|| "/settings?cursor=1".to_owned()),
            rows,
            is_later,
        };
        vec![
            page(Vec::new(), false),
            page(Vec::new(), true),
            page(vec![row(), row()], true),
        ]
    }
}

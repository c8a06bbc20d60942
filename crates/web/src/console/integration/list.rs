//! What is set up of one connector.

use askama::Template;
use axum::extract::{Path, State as Shared};
use domain::company::name_key;
use domain::integration::Integration;
use serde_json::Value;
use url::Url;

use super::tabs::{self, State};
use crate::App;
use crate::api::integration::seen;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;

/// Most rows of the page; there are some, not thousands.
const ROWS: usize = 500;

#[derive(Debug, Template)]
#[template(path = "integration/list.html")]
pub(super) struct ListPage {
    frame: Frame,
    connector: String,
    rows: Vec<Row>,
    is_cut: bool,
}

#[derive(Debug)]
struct Row {
    id: String,
    path: String,
    name: String,
    host: String,
    state: State,
    companies: String,
}

pub(super) async fn show(
    app: Shared<App>,
    visitor: Visitor,
    Path(connector): Path<String>,
) -> Page {
    if !connectors::known().contains(&connector.as_str()) {
        return Err(Problem::not_found("connector"));
    }
    let gates = app.store().gates().await?;
    let caller = &visitor.caller;
    let all = caller.configuration.integrations();
    let mut own: Vec<_> = all
        .filter(|one| one.connector == connector && seen(one, caller))
        .collect();
    own.sort_by_cached_key(|one| name_key(&one.name));
    let rows = own.iter().take(ROWS).map(|one| {
        let state = State::of(one, &gates.get(&one.id).cloned().unwrap_or_default());
        let seen = one.companies.iter().filter(|id| caller.sees(**id)).count();
        Row {
            id: one.id.to_string(),
            path: tabs::path(&one.connector, one.id),
            name: visible(&one.name),
            host: visible(&host(one)),
            state,
            companies: match one.companies.is_empty() {
                true => "all".to_owned(),
                false => seen.to_string(),
            },
        }
    });
    page(&ListPage {
        rows: rows.collect(),
        is_cut: own.len() > ROWS,
        frame: Frame::new(&visitor, Here::Integrations, "Webhook", None),
        connector,
    })
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
        };
        let page = |rows, is_cut| Self {
            frame: Frame::sample(Here::Integrations),
            connector: "webhook".to_owned(),
            rows,
            is_cut,
        };
        vec![page(Vec::new(), false), page(vec![row(), row()], true)]
    }
}

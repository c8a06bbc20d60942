use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::access::ApiKey;
use domain::{KeyId, Timestamp};
use serde::Deserialize;

use crate::App;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, filters, page, query, reach};
use crate::problem::Problem;
use crate::read::{Admin, PageQuery, Query};

#[derive(Debug, Template)]
#[template(path = "key/list.html")]
pub(super) struct KeysPage {
    frame: Frame,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
    /// The key that may go, and what is wrong with the answer.
    asks: Option<Asked>,
}

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) fault: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct KeysQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug)]
struct Row {
    remove: String,
    name: String,
    role: &'static str,
    companies: String,
    created: Timestamp,
    used: Option<Timestamp>,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(asked): Query<KeysQuery>,
) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&KeysPage::new(&app, &visitor, &asked).await?)
}

/// The API key of an id.
pub(super) fn find(visitor: &Visitor, id: KeyId) -> Result<&Arc<ApiKey>, Problem> {
    let mut keys = visitor.caller.configuration.keys();
    let found = keys.find(|key| key.id == id);
    found.ok_or_else(|| Problem::not_found("API key"))
}

fn state(asked: &KeysQuery) -> query::State {
    query::State::new("/keys", &[("limit", asked.limit.as_deref())])
}

impl KeysPage {
    pub(super) async fn new(
        app: &App,
        visitor: &Visitor,
        asked: &KeysQuery,
    ) -> Result<Self, Problem> {
        let caller = &visitor.caller;
        let at = PageQuery::new(asked.limit.clone(), asked.cursor.clone()).or(ROWS);
        let is_later = at.is_later();
        let found = at.of(caller.configuration.keys(), |key: &&Arc<ApiKey>| key.id)?;
        let uses = app.store().key_uses().await?;
        let row = |key: &Arc<ApiKey>| Row {
            remove: format!("/keys/{}/remove", key.id),
            name: visible(&key.name),
            role: key.role.as_str(),
            companies: reach::scope_words(caller, &key.scope),
            created: key.created_at,
            used: uses.get(&key.id).copied().or(key.last_used_at),
        };
        let state = state(asked);
        Ok(Self {
            frame: Frame::new(visitor, Here::Keys, "API keys", None),
            rows: found.items.into_iter().map(row).collect(),
            next: found.next.map(|cursor| state.next(&cursor)),
            is_later,
            files: state.files("/api/v1/keys/export"),
            state,
            asks: None,
        })
    }

    /// The same page, which asks whether to end a key.
    pub(super) fn asking(self, key: &ApiKey, fault: String) -> Self {
        Self {
            asks: Some(Asked {
                path: format!("/keys/{}", key.id),
                name: visible(&key.name),
                fault,
            }),
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |used| Row {
            remove: "/keys/1/remove".to_owned(),
            name: hostile.to_owned(),
            role: "operator",
            companies: hostile.to_owned(),
            created: Timestamp::from_micros(1_764_122_400_000_000),
            used,
        };
        let page = |rows: Vec<Row>, asks, is_later| Self {
            frame: Frame::sample(Here::Keys),
            files: state(&KeysQuery::default()).files("/api/v1/keys/export"),
            state: state(&KeysQuery::default()),
            next: (!rows.is_empty()).then(|| "/keys?cursor=1".to_owned()),
            rows,
            is_later,
            asks,
        };
        let asked = Asked {
            path: "/keys/1".to_owned(),
            name: hostile.to_owned(),
            fault: hostile.to_owned(),
        };
        vec![
            page(
                vec![row(Some(Timestamp::from_micros(1))), row(None)],
                None,
                false,
            ),
            page(vec![row(None)], Some(asked), true),
            page(Vec::new(), None, false),
            page(Vec::new(), None, true),
        ]
    }
}

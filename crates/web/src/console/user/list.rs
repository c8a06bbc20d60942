use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::company::name_key;
use domain::user::User;
use serde::Deserialize;

use super::MAY;
use crate::App;
use crate::console::by_name::ByName;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, filters, page, query, reach};
use crate::read::{Admin, PageQuery, Query};

#[derive(Debug, Template)]
#[template(path = "user/list.html")]
pub(super) struct UsersPage {
    frame: Frame,
    asked: UsersQuery,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
    may: [(&'static str, [bool; 4]); 5],
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct UsersQuery {
    /// Part of a name.
    text: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug)]
struct Row {
    path: String,
    name: String,
    role: &'static str,
    companies: String,
    is_enabled: bool,
    is_self: bool,
    signed_in: Option<Timestamp>,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(asked): Query<UsersQuery>,
) -> Page {
    Admin::new(visitor.caller.clone())?;
    let caller = &visitor.caller;
    let wanted = name_key(asked.text.as_deref().unwrap_or_default());
    let users = caller.configuration.users();
    let found = users.filter(|user| name_key(&user.name).contains(&wanted));
    let at = PageQuery::new(asked.limit.clone(), asked.cursor.clone()).or(ROWS);
    let is_later = at.is_later();
    let found = at.of(found, |user: &&Arc<User>| ByName::new(&user.name, user.id))?;
    let sign_ins = app.store().sign_ins().await?;
    let row = |user: &Arc<User>| Row {
        path: format!("/users/{}", user.id),
        name: visible(&user.name),
        role: user.role.as_str(),
        companies: reach::scope_words(caller, &user.scope),
        is_enabled: user.enabled,
        is_self: caller.user() == Some(user.id),
        signed_in: sign_ins.get(&user.id).copied(),
    };
    let state = state(&asked);
    page(&UsersPage {
        frame: Frame::new(&visitor, Here::Users, "Users and roles", None),
        rows: found.items.into_iter().map(row).collect(),
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later,
        files: state.files("/api/v1/users/export"),
        state,
        asked,
        may: MAY,
    })
}

fn state(asked: &UsersQuery) -> query::State {
    let all = [
        ("text", asked.text.as_deref()),
        ("limit", asked.limit.as_deref()),
    ];
    query::State::new("/users", &all)
}

impl UsersPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |is_enabled, signed_in| Row {
            path: "/users/1".to_owned(),
            name: hostile.to_owned(),
            role: "operator",
            companies: hostile.to_owned(),
            is_enabled,
            is_self: is_enabled,
            signed_in,
        };
        let page = |asked: UsersQuery, rows: Vec<Row>| Self {
            frame: Frame::sample(Here::Users),
            files: state(&asked).files("/api/v1/users/export"),
            state: state(&asked),
            is_later: asked.cursor.is_some(),
            asked,
            next: (!rows.is_empty()).then(|| "/users?cursor=1".to_owned()),
            rows,
            may: MAY,
        };
        let narrowed = UsersQuery {
            text: Some("\"><script>".to_owned()),
            cursor: Some("1".to_owned()),
            ..UsersQuery::default()
        };
        let at = Some(Timestamp::from_micros(1_764_122_400_000_000));
        vec![
            page(UsersQuery::default(), vec![row(true, at), row(false, None)]),
            page(narrowed, Vec::new()),
        ]
    }
}

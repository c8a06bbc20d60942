use askama::Template;
use axum::extract::State;
use domain::user::User;
use domain::{Timestamp, UserId};
use serde_json::{Map, Value, json};

use super::{MAY, POINTERS, roles};
use crate::App;
use crate::api::user::update::update as change;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::reach::{self, Reach};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, filters, page};
use crate::problem::Problem;
use crate::read::{Admin, Id, Posted};

#[derive(Debug, Template)]
#[template(path = "user/detail.html")]
pub(super) struct UserPage {
    frame: Frame,
    path: String,
    shown: String,
    name: String,
    role: String,
    roles: [(String, String); 3],
    reach: Reach,
    is_enabled: bool,
    is_self: bool,
    created: Timestamp,
    signed_in: Option<Timestamp>,
    may: [(&'static str, [bool; 4]); 5],
    faults: Faults,
    /// Whether to remove them is asked, and what is wrong with the answer.
    asks: Option<String>,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Id(id): Id<UserId>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let user = find(&visitor, id)?;
    page(&UserPage::new(&app, &visitor, user).await?)
}

pub(super) async fn update(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<UserId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let user = find(&visitor, id)?;
    let mut asked = Map::new();
    asked.insert("name".to_owned(), json!(posted.text("name")));
    asked.insert("role".to_owned(), json!(posted.text("role")));
    asked.insert("enabled".to_owned(), json!(posted.has("enabled")));
    if let Some(companies) = reach::asked(&posted) {
        asked.insert("companies".to_owned(), companies);
    }
    let changed = match form::read(&Value::Object(asked)) {
        Ok(form) => change(app.clone(), admin, Id(id), form).await,
        Err(problem) => Err(problem),
    };
    let Err(problem) = changed else {
        return Ok(see_told(&format!("/users/{id}"), Told::Saved));
    };
    let faults = Faults::of(problem)?;
    let status = faults.status();
    let view = UserPage {
        name: posted.text("name").to_owned(),
        role: posted.text("role").to_owned(),
        reach: Reach::posted(&visitor.caller, &posted),
        is_enabled: posted.has("enabled"),
        ..UserPage::new(&app, &visitor, user).await?
    };
    page_with(status, &view.faulty(faults))
}

/// The user of an id.
pub(super) fn find(visitor: &Visitor, id: UserId) -> Result<&User, Problem> {
    let found = visitor.caller.configuration.user(id);
    found
        .map(|user| &**user)
        .ok_or_else(|| Problem::not_found("user"))
}

impl UserPage {
    pub(super) async fn new(app: &App, visitor: &Visitor, user: &User) -> Result<Self, Problem> {
        let sign_ins = app.store().sign_ins().await?;
        let caller = &visitor.caller;
        Ok(Self {
            frame: Frame::new(visitor, Here::Users, &visible(&user.name), None),
            path: format!("/users/{}", user.id),
            shown: visible(&user.name),
            name: user.name.clone(),
            role: user.role.as_str().to_owned(),
            roles: roles(),
            reach: Reach::of_scope(caller, &user.scope),
            is_enabled: user.enabled,
            is_self: caller.user() == Some(user.id),
            created: user.created_at,
            signed_in: sign_ins.get(&user.id).copied(),
            may: MAY,
            faults: Faults::none(),
            asks: None,
        })
    }

    /// The same page with what is wrong.
    pub(super) fn faulty(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The same page, which asks whether to remove them.
    pub(super) fn asking(self, fault: String) -> Self {
        Self {
            asks: Some(fault),
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |reach: Reach, is_self: bool, faults, asks| Self {
            frame: Frame::sample(Here::Users),
            path: "/users/1".to_owned(),
            shown: "<img src=x onerror=alert(1)>".to_owned(),
            name: "\"><script>alert(1)</script>".to_owned(),
            role: "viewer".to_owned(),
            roles: roles(),
            reach,
            is_enabled: is_self,
            is_self,
            created: Timestamp::from_micros(1_764_122_400_000_000),
            signed_in: is_self.then_some(Timestamp::from_micros(1)),
            may: MAY,
            faults,
            asks,
        };
        vec![
            page(Reach::sample(true), true, Faults::none(), None),
            page(
                Reach::sample(false),
                false,
                Faults::field("/password", "<script>"),
                None,
            ),
            page(
                Reach::sample_beyond(),
                false,
                Faults::field("", "<script>"),
                Some("<script>".to_owned()),
            ),
        ]
    }
}

use askama::Template;
use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::password::{MadePasswordPage, chosen};
use super::{POINTERS, roles};
use crate::App;
use crate::api::user::create;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::reach::{self, Reach};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Admin, Posted};

#[derive(Debug, Template)]
#[template(path = "user/new.html")]
pub(super) struct NewUserPage {
    frame: Frame,
    name: String,
    role: String,
    roles: [(String, String); 3],
    reach: Reach,
    faults: Faults,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&NewUserPage {
        frame: Frame::new(&visitor, Here::Users, "New user", None),
        name: String::new(),
        role: "viewer".to_owned(),
        roles: roles(),
        reach: Reach::of(&visitor.caller, None),
        faults: Faults::none(),
    })
}

/// A password that was made is shown this once; one that was typed is known already.
pub(super) async fn create(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let (password, is_made) = chosen(&app, &posted);
    let asked = json!({"name": posted.text("name"), "role": posted.text("role"),
        "password": password.reveal(), "companies": reach::asked(&posted)});
    let made = match form::read(&asked) {
        Ok(form) => create::create(app, admin, form).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok((_, Json(user))) if is_made => {
            page(&MadePasswordPage::new(&visitor, &user.name, password))
        }
        Ok((_, Json(user))) => Ok(see_told(&format!("/users/{}", user.id), Told::Saved)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let view = NewUserPage {
                frame: Frame::new(&visitor, Here::Users, "New user", None),
                name: posted.text("name").to_owned(),
                role: posted.text("role").to_owned(),
                roles: roles(),
                reach: Reach::posted(&visitor.caller, &posted),
                faults,
            };
            page_with(view.faults.status(), &view)
        }
    }
}

impl NewUserPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |is_all, faults| Self {
            frame: Frame::sample(Here::Users),
            name: "\"><script>alert(1)</script>".to_owned(),
            role: "viewer".to_owned(),
            roles: roles(),
            reach: Reach::sample(is_all),
            faults,
        };
        vec![
            page(true, Faults::none()),
            page(false, Faults::field("/companies/0", "<script>")),
            page(
                false,
                Faults::field("/password", "has at least 12 characters"),
            ),
        ]
    }
}

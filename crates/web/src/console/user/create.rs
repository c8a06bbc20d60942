use askama::Template;
use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::Holder;
use super::password::{MadePasswordPage, chosen};
use crate::App;
use crate::api::user::create;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::reach;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Admin, Posted};

#[derive(Debug, Template)]
#[template(path = "user/new.html")]
pub(super) struct NewUserPage {
    frame: Frame,
    form: Holder,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&NewUserPage {
        frame: Frame::new(&visitor, Here::Users, "New user", None),
        form: Holder::new(&visitor.caller, "viewer"),
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
            let form = Holder::posted(&visitor.caller, &posted, Faults::of(problem)?);
            let view = NewUserPage {
                frame: Frame::new(&visitor, Here::Users, "New user", None),
                form,
            };
            page_with(view.form.faults.status(), &view)
        }
    }
}

impl NewUserPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |is_all, faults| Self {
            frame: Frame::sample(Here::Users),
            form: Holder::sample(is_all, faults),
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

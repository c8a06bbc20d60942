use askama::Template;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Secret, UserId};
use rand::Rng as _;
use serde_json::json;

use super::detail::UserPage;
use crate::App;
use crate::api::user::password::password;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Client, Id, Posted, Viewer};

/// Random bytes of a password that we make.
const BYTES: usize = 15;

/// A password that was made, shown this once.
#[derive(Debug, Template)]
#[template(path = "user/made.html")]
pub(super) struct MadePasswordPage {
    frame: Frame,
    name: String,
    password: Secret<String>,
}

/// The password that a form gives, or where it is left empty one that is made; and whether it was.
pub(super) fn chosen(app: &App, posted: &Posted) -> (Secret<String>, bool) {
    let typed = posted.secret("password");
    if !typed.reveal().is_empty() {
        return (typed, false);
    }
    let mut bytes = [0_u8; BYTES];
    app.dice().roll(|rng| rng.fill_bytes(&mut bytes));
    (Secret::new(URL_SAFE_NO_PAD.encode(bytes)), true)
}

/// Gives somebody else another password. One's own is changed by whoever knows the present one: on the page Account.
pub(super) async fn set(
    app: State<App>,
    visitor: Visitor,
    client: Client,
    Id(id): Id<UserId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let user = visitor.caller.configuration.user(id).cloned();
    let user = user.ok_or_else(|| Problem::not_found("user"))?;
    let (chosen, is_made) = chosen(&app, &posted);
    let asked = form::read(&json!({"password": chosen.reveal()}))?;
    let given = password(app.clone(), Viewer(admin.0), client, Id(id), asked).await;
    match given {
        Ok(_) if is_made => page(&MadePasswordPage::new(&visitor, &user.name, chosen)),
        Ok(_) => Ok(see_told(&format!("/users/{id}"), Told::Saved)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let status = faults.status();
            let view = UserPage::new(&app, &visitor, &user).await?;
            page_with(status, &view.faulty(faults))
        }
    }
}

impl MadePasswordPage {
    pub(super) fn new(visitor: &Visitor, name: &str, password: Secret<String>) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Users, "Password", None),
            name: visible(name),
            password,
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Users),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            password: Secret::new("made".to_owned()),
        }]
    }
}

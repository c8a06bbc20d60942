use axum::extract::State;
use domain::UserId;

use super::detail::{UserPage, find};
use crate::App;
use crate::api::user::remove;
use crate::console::form::Faults;
use crate::console::page::{is_typed, page_with, see_told};
use crate::console::told::Told;
use crate::console::{Page, Visitor, page};
use crate::read::{Admin, Id, Posted};

pub(super) async fn ask(app: State<App>, visitor: Visitor, Id(id): Id<UserId>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let user = find(&visitor, id)?;
    let view = UserPage::new(&app, &visitor, user).await?;
    page(&view.asking(String::new()))
}

pub(super) async fn remove(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<UserId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let user = find(&visitor, id)?;
    let faults = if is_typed(&posted, &user.name) {
        match remove::remove(app.clone(), admin, Id(id)).await {
            Ok(_) => return Ok(see_told("/users", Told::Removed)),
            Err(problem) => Faults::of(problem)?,
        }
    } else {
        Faults::field("", "That is not their name.")
    };
    let view = UserPage::new(&app, &visitor, user).await?;
    let fault = faults.beside(&[]).join("; ");
    page_with(faults.status(), &view.asking(fault))
}

use axum::extract::State;
use domain::KeyId;

use super::list::{KeysPage, KeysQuery, find};
use crate::App;
use crate::api::key::remove;
use crate::console::form::Faults;
use crate::console::page::{is_typed, page_with, see_told};
use crate::console::told::Told;
use crate::console::{Page, Visitor, page};
use crate::read::{Admin, Id, Posted};

pub(super) async fn ask(app: State<App>, visitor: Visitor, Id(id): Id<KeyId>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let key = find(&visitor, id)?;
    let view = KeysPage::new(&app, &visitor, &KeysQuery::default()).await?;
    page(&view.asking(key, String::new()))
}

pub(super) async fn remove(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<KeyId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let key = find(&visitor, id)?;
    if is_typed(&posted, &key.name) {
        remove::remove(app, admin, Id(id)).await?;
        return Ok(see_told("/keys", Told::Removed));
    }
    let faults = Faults::field("", "That is not its name.");
    let view = KeysPage::new(&app, &visitor, &KeysQuery::default()).await?;
    let view = view.asking(key, faults.beside(&[]).join("; "));
    page_with(faults.status(), &view)
}

use axum::extract::State;
use domain::SourceId;

use super::detail::SourcePage;
use crate::App;
use crate::api::source::{find, remove};
use crate::console::form::Faults;
use crate::console::page::{is_typed, page_with, see_told};
use crate::console::told::Told;
use crate::console::{Page, Visitor, page};
use crate::read::{Admin, Id, Posted};

pub(super) async fn ask(app: State<App>, visitor: Visitor, Id(id): Id<SourceId>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let source = find(id, &visitor.caller)?;
    let view = SourcePage::new(&app, &visitor, source).await?;
    page(&view.asking(String::new()))
}

pub(super) async fn remove(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SourceId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let source = find(id, &visitor.caller)?;
    if is_typed(&posted, &source.name) {
        remove::remove(app, admin, Id(id)).await?;
        return Ok(see_told("/sources", Told::Removed));
    }
    let faults = Faults::field("", "That is not its name.");
    let view = SourcePage::new(&app, &visitor, source).await?;
    let fault = faults.beside(&[]).join("; ");
    page_with(faults.status(), &view.asking(fault))
}

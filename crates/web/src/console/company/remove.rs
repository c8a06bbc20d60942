use axum::extract::State;
use domain::CompanyId;

use super::detail::CompanyPage;
use crate::App;
use crate::api::company::{find, remove};
use crate::console::form::Faults;
use crate::console::page::{is_typed, page_with, see_told};
use crate::console::told::Told;
use crate::console::{Page, Visitor, page};
use crate::read::{Admin, Id, Posted};

pub(super) async fn ask(visitor: Visitor, Id(id): Id<CompanyId>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let company = find(id, &visitor.caller)?;
    page(&CompanyPage::asking(&visitor, company, String::new()))
}

pub(super) async fn remove(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<CompanyId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let company = find(id, &visitor.caller)?;
    let faults = if is_typed(&posted, &company.name) {
        match remove::remove(app, admin, Id(id)).await {
            Ok(_) => return Ok(see_told("/companies", Told::Removed)),
            Err(problem) => Faults::of(problem)?,
        }
    } else {
        Faults::field("", "That is not its name.")
    };
    let fault = faults.beside(&[]).join("; ");
    page_with(
        faults.status(),
        &CompanyPage::asking(&visitor, company, fault),
    )
}

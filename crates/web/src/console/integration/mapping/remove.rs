use axum::extract::State;

use super::super::step::{Of, Step};
use super::super::tabs::Tab;
use crate::App;
use crate::api::mapping::remove;
use crate::console::Page;
use crate::console::page::see_told;
use crate::console::told::Told;
use crate::read::{Ids, Mapped, Posted};

/// Removes the mapping of a company, or that of all.
pub(super) async fn remove(
    app: State<App>,
    step: Step,
    Of(company): Of<Mapped>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    remove::remove(app, admin, Ids(step.integration.id, company)).await?;
    let path = format!("{}#selected", step.path(Tab::Mapping));
    Ok(see_told(&path, Told::Removed))
}

use axum::extract::State;
use domain::EventSetId;

use super::super::step::{Of, Step};
use super::super::tabs::Tab;
use crate::App;
use crate::api::event_set::remove;
use crate::console::Page;
use crate::console::page::see_told;
use crate::console::told::Told;
use crate::read::{Id, Posted};

/// Removes a set that no rule uses.
pub(super) async fn remove(
    app: State<App>,
    step: Step,
    Of(id): Of<EventSetId>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    remove::remove(app, admin, Id(id)).await?;
    Ok(see_told(&step.path(Tab::EventSet), Told::Removed))
}

use axum::extract::State;
use domain::RuleId;

use super::super::step::{Of, Step};
use super::super::tabs::Tab;
use crate::App;
use crate::api::rule::remove;
use crate::console::Page;
use crate::console::page::see_told;
use crate::console::told::Told;
use crate::read::{Ids, Posted};

/// Removes a rule that no mapping names.
pub(super) async fn remove(
    app: State<App>,
    step: Step,
    Of(id): Of<RuleId>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    remove::remove(app, admin, Ids(step.integration.id, id)).await?;
    Ok(see_told(&step.path(Tab::Rules), Told::Removed))
}

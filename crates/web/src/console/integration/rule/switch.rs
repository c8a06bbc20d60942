use axum::extract::State;
use domain::RuleId;
use serde_json::json;

use super::super::step::{Of, Step};
use super::super::tabs::Tab;
use crate::App;
use crate::api::rule::update;
use crate::console::Page;
use crate::console::form::read;
use crate::console::page::see_told;
use crate::console::told::Told;
use crate::read::{Ids, Posted};

/// Switches a rule on or off.
pub(super) async fn switch(
    app: State<App>,
    step: Step,
    Of(id): Of<RuleId>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let is_on = posted.text("to") == "on";
    let patch = read(&json!({"enabled": is_on}))?;
    let _ = update::update(app, admin, Ids(step.integration.id, id), patch).await?;
    let told = if is_on { Told::RuleOn } else { Told::RuleOff };
    Ok(see_told(&step.path(Tab::Rules), told))
}

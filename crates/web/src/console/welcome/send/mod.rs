//! To send: a webhook with all that leads to it, then a test event.

pub(super) mod form;
pub(super) mod test;

use axum::extract::State;
use domain::IntegrationId;
use domain::integration::Integration;
use serde_json::json;

use crate::App;
use crate::api::{event_set, mapping, rule};
use crate::console::form::read;
use crate::console::welcome::newest;
use crate::problem::Problem;
use crate::read::{Admin, Caller, Id, Ids, Mapped};

/// Name of the event set and of the rule that the first webhook gets.
const FIRST: &str = "First alerts";
/// What the set holds: what is new, open or gone, and what is vulnerable.
const CATEGORIES: [&str; 2] = ["System Changes", "Problems"];

/// The event set, the rule and the mapping that an authenticated integration still lacks. What is there stays.
async fn complete(app: &App, caller: &Caller, id: IntegrationId) -> Result<(), Problem> {
    let mut caller = newest(app, caller).await?;
    let configuration = &caller.configuration;
    let integration = configuration.integration(id);
    let integration = integration.ok_or_else(|| Problem::not_found("integration"))?;
    if integration.authenticated_at.is_none() || has_rule(&caller, integration) {
        return Ok(());
    }
    let companies = integration.companies.clone();
    let set = configuration.event_sets().find(|set| set.name == FIRST);
    if set.is_none() {
        let kinds = configuration.catalogue().kinds().iter();
        let events: Vec<_> = kinds
            .filter(|kind| CATEGORIES.contains(&kind.category.as_str()))
            .map(|kind| kind.code.clone())
            .collect();
        let form = read(&json!({"name": FIRST, "notify_by": "event", "events": events}))?;
        let admin = Admin::new(caller.clone())?;
        let _ = event_set::create::create(State(app.clone()), admin, form).await?;
        caller = newest(app, &caller).await?;
    }
    let set = caller.configuration.event_sets();
    let set = set.filter(|set| set.name == FIRST).map(|set| set.id).next();
    let set = set.ok_or_else(|| Problem::not_found("event set"))?;
    let form = read(&json!({"name": FIRST, "event_set_id": set.to_string()}))?;
    let admin = Admin::new(caller.clone())?;
    let _ = rule::create::create(State(app.clone()), admin, Id(id), form).await?;
    caller = newest(app, &caller).await?;
    let rules = caller.configuration.rules();
    let rules: Vec<_> = rules
        .filter(|rule| rule.integration == id)
        .map(|rule| rule.id.to_string())
        .collect();
    for company in companies {
        let form = read(&json!({"rules": rules, "create_webhook_alert": true}))?;
        let admin = Admin::new(caller.clone())?;
        let ids = Ids(id, Mapped::Company(company));
        let _ = mapping::put::put(State(app.clone()), admin, ids, form).await?;
    }
    Ok(())
}

fn has_rule(caller: &Caller, integration: &Integration) -> bool {
    let mut rules = caller.configuration.rules();
    rules.any(|rule| rule.integration == integration.id)
}

use axum::extract::State;
use domain::SourceId;
use domain::source::{CompanyRule, Source, When};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::detail::SourcePage;
use crate::App;
use crate::api::source::{find, update::update};
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::told::Told;
use crate::console::{Page, Visitor};
use crate::hex::hex;
use crate::read::{Id, Posted};

/// Adds a rule, takes one away, or moves one: one step at a time, each of which holds at once.
pub(super) async fn change(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SourceId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let source = find(id, &visitor.caller)?;
    let rules = if posted.text("mark") == mark(source) {
        changed(source, &posted)
    } else {
        Err(Faults::field(
            "",
            "The rules were changed meanwhile; these are the ones that hold.",
        ))
    };
    let faults = match rules {
        Ok(rules) => {
            let form = form::read(&json!({"company_rules": rules}))?;
            match update(app.clone(), admin, Id(id), form).await {
                Ok(_) => {
                    let path = format!("/sources/{id}#company-rules");
                    return Ok(see_told(&path, Told::Saved));
                }
                Err(problem) => Faults::of(problem)?,
            }
        }
        Err(faults) => faults,
    };
    let view = SourcePage::new(&app, &visitor, source).await?;
    page_with(faults.status(), &view.faulty(faults))
}

/// Tells these rules from others, so that nothing is moved that somebody does not see.
pub(super) fn mark(source: &Source) -> String {
    let rules: Vec<_> = source.company_rules.iter().map(rule).collect();
    hex(&Sha256::digest(json!(rules).to_string())[..8])
}

/// The rules as they are wanted.
fn changed(source: &Source, posted: &Posted) -> Result<Vec<Value>, Faults> {
    let mut rules: Vec<Value> = source.company_rules.iter().map(rule).collect();
    let unknown = || Faults::field("", "There is no such rule.");
    let (then, place) = posted
        .text("then")
        .split_once(':')
        .unwrap_or((posted.text("then"), ""));
    if then == "add" {
        rules.push(json!({"when": {posted.text("when"): posted.text("value")}, "company": posted.text("rule_company")}));
        return Ok(rules);
    }
    let place: usize = place.parse().map_err(|_| unknown())?;
    let other = match then {
        "up" => place.checked_sub(1),
        "down" => place.checked_add(1),
        _ => None,
    };
    match (then, other) {
        ("remove", _) if place < rules.len() => drop(rules.remove(place)),
        (_, Some(other)) if place.max(other) < rules.len() => rules.swap(place, other),
        _ => return Err(unknown()),
    }
    Ok(rules)
}

fn rule(rule: &CompanyRule) -> Value {
    let when = match &rule.when {
        When::BodyCompany(name) => json!({"body_company": name}),
        When::Hostname(pattern) => json!({"hostname": pattern}),
        When::Address(range) => json!({"address": range.to_string()}),
    };
    json!({"when": when, "company": rule.company.to_string()})
}

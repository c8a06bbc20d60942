use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use domain::integration::Integration;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::{IntegrationId, RuleId};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Outcome;
use crate::App;
use crate::api::integration::seen;
use crate::api::mapping::put;
use crate::api::rule::update;
use crate::console::filters;
use crate::console::form::{self, Faults};
use crate::console::integration::rule::edit::{bad_lines, event_sets, lines, written};
use crate::console::integration::tabs;
use crate::console::page::{page_with, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Ids, Mapped, Posted, Query};

/// Most rules that are offered; the overview leads to any.
const OFFERED: usize = 1_000;
/// Most companies that are offered to be switched.
const SWITCHES: usize = 200;
/// How far back one may look: hours, and what they are called.
const OVER: [(&str, &str); 4] = [
    ("1", "The last hour"),
    ("24", "The last 24 hours"),
    ("168", "The last 7 days"),
    ("720", "The last 30 days"),
];
/// Where the API's question has the rule that is changed.
const RULE: &str = "/change/rules/0";

#[derive(Debug, Template)]
#[template(path = "rule/dry_run.html")]
pub(in crate::console) struct DryRunPage {
    frame: Frame,
    /// Rules to choose from, by integration.
    groups: Vec<(String, Vec<(String, String)>)>,
    /// The rule that was chosen.
    tried: Option<Tried>,
    faults: Faults,
    outcome: Option<Outcome>,
}

/// A rule, and what it would be.
#[derive(Debug)]
struct Tried {
    id: String,
    name: String,
    integration: String,
    /// Where the rule is changed for good.
    path: String,
    asked: Asked,
    sets: Vec<(String, String)>,
    switches: Vec<(String, String)>,
    over: &'static [(&'static str, &'static str)],
    bad_matchers: String,
}

/// The question, as the URL has it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    rule: String,
    event_set: Option<String>,
    matchers: Option<String>,
    /// `ID:on` or `ID:off` of a company, or of `all`; empty leaves every mapping as it is.
    #[serde(default)]
    switch: String,
    #[serde(default)]
    hours: String,
    /// The question is asked, not only made.
    run: Option<String>,
}

/// Asks what a changed rule would have done. The URL holds the question, so that it can be shared.
pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let mut view = DryRunPage::new(&visitor);
    if asked.rule.is_empty() {
        return page_with(StatusCode::OK, &view);
    }
    let caller = &visitor.caller;
    let (rule, integration) = find(&asked.rule, caller)?;
    let asked = asked.filled(rule);
    if asked.run.is_some() {
        let (hours, change) = (asked.hours(), asked.change(rule));
        match Outcome::of(&app, caller, hours, &change).await {
            Ok(outcome) => view.outcome = Some(outcome),
            Err(problem) => view.faults = Faults::of(problem)?,
        }
    }
    view.tried = Some(Tried::new(rule, integration, caller, asked, &view.faults));
    page_with(view.status(), &view)
}

/// Saves what was tried: the rule, then the switch.
pub(super) async fn save(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let caller = &visitor.caller;
    let asked = Asked::posted(&posted);
    let (rule, integration) = find(&asked.rule, caller)?;
    let asked = asked.filled(rule);
    if let Err(problem) = apply(&app, admin, rule, &asked).await {
        let mut view = DryRunPage::new(&visitor);
        view.faults = Faults::of(problem)?;
        view.tried = Some(Tried::new(rule, integration, caller, asked, &view.faults));
        return page_with(view.status(), &view);
    }
    let path = format!(
        "{}/rules",
        tabs::path(&integration.connector, integration.id)
    );
    Ok(see_told(&path, Told::Saved))
}

async fn apply(
    app: &State<App>,
    admin: Admin,
    rule: &IntegrationRule,
    asked: &Asked,
) -> Result<(), Problem> {
    let caller = admin.0.clone();
    let ids = Ids(rule.integration, rule.id);
    let Json(_) = update::update(app.clone(), admin, ids, form::read(&asked.patch())?).await?;
    let Some((company, is_on)) = asked.switched() else {
        return Ok(());
    };
    let of = MappedTo::from(company);
    let mapping = caller.configuration.mapping(rule.integration, of);
    let mapping = mapping.ok_or_else(|| Problem::not_found("mapping"))?;
    let rules: Vec<_> = mapping.rules.iter().map(RuleId::to_string).collect();
    let form = form::read(&json!({"rules": rules, "create_webhook_alert": is_on}))?;
    let ids = Ids(rule.integration, company);
    let Json(_) = put::put(app.clone(), Admin::new(caller)?, ids, form).await?;
    Ok(())
}

/// A rule that somebody sees, and its integration.
fn find<'a>(
    text: &str,
    caller: &'a Caller,
) -> Result<(&'a Arc<IntegrationRule>, &'a Arc<Integration>), Problem> {
    let configuration = &caller.configuration;
    let id = text.parse::<RuleId>().ok();
    let rule = id.and_then(|id| configuration.rule(id));
    let found = rule.and_then(|rule| Some((rule, configuration.integration(rule.integration)?)));
    let found = found.filter(|(_, integration)| seen(integration, caller));
    found.ok_or_else(|| Problem::not_found("rule"))
}

impl Asked {
    fn posted(posted: &Posted) -> Self {
        let text = |name| posted.text(name).to_owned();
        Self {
            rule: text("rule"),
            event_set: Some(text("event_set")),
            matchers: Some(text("matchers")),
            switch: text("switch"),
            hours: text("hours"),
            run: None,
        }
    }

    /// What is not said is as the rule has it.
    fn filled(self, rule: &IntegrationRule) -> Self {
        let hours = match OVER.iter().any(|(hours, _)| *hours == self.hours) {
            true => self.hours,
            false => super::DAY.to_string(),
        };
        let event_set = self.event_set.unwrap_or_else(|| rule.event_set.to_string());
        Self {
            event_set: Some(event_set),
            matchers: Some(self.matchers.unwrap_or_else(|| written(&rule.matchers))),
            hours,
            ..self
        }
    }

    fn hours(&self) -> u32 {
        self.hours.parse().unwrap_or(super::DAY)
    }

    /// The company whose mapping is switched, and where to.
    fn switched(&self) -> Option<(Mapped, bool)> {
        let (company, to) = self.switch.split_once(':')?;
        Some((company.parse().ok()?, to == "on"))
    }

    /// The rule as it would be.
    fn patch(&self) -> Value {
        json!({
            "event_set_id": self.event_set,
            "matchers": lines(self.matchers.as_deref().unwrap_or_default()),
        })
    }

    fn change(&self, rule: &IntegrationRule) -> Value {
        let mut entry = self.patch();
        entry["id"] = json!(rule.id.to_string());
        let mapping = self.switched().map(|(company, is_on)| {
            json!({
                "integration_id": rule.integration.to_string(),
                "company": company.to_string(),
                "create_webhook_alert": is_on,
            })
        });
        let mappings: Vec<_> = mapping.into_iter().collect();
        json!({"rules": [entry], "mappings": mappings})
    }
}

impl DryRunPage {
    fn new(visitor: &Visitor) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Rules, "Dry run", None),
            groups: groups(&visitor.caller),
            tried: None,
            faults: Faults::none(),
            outcome: None,
        }
    }

    fn status(&self) -> StatusCode {
        self.faults.status()
    }

    /// What belongs to no field.
    fn beside(&self) -> Vec<String> {
        self.faults.beside(&[
            "/change/rules/0/event_set_id",
            "/change/rules/0/matchers",
            "/event_set_id",
            "/matchers",
        ])
    }

    /// What is wrong with the event set, whether it was tried or to be saved.
    fn bad_set(&self) -> &str {
        match self.faults.at("/change/rules/0/event_set_id") {
            "" => self.faults.at("/event_set_id"),
            fault => fault,
        }
    }
}

/// The rules that somebody sees, by the names of their integrations.
fn groups(caller: &Caller) -> Vec<(String, Vec<(String, String)>)> {
    let configuration = &caller.configuration;
    let mut rules: HashMap<IntegrationId, Vec<(String, String)>> = HashMap::new();
    for rule in configuration.rules() {
        let pair = (rule.id.to_string(), visible(&rule.name));
        rules.entry(rule.integration).or_default().push(pair);
    }
    let seen = configuration
        .integrations()
        .filter(|integration| seen(integration, caller));
    let mut groups: Vec<_> = seen
        .filter_map(|found| Some((visible(&found.name), rules.remove(&found.id)?)))
        .collect();
    groups.sort_unstable_by_key(|(name, _)| name.to_lowercase());
    let mut left = OFFERED;
    for (_, rules) in &mut groups {
        rules.sort_unstable_by_key(|(_, name)| name.to_lowercase());
        rules.truncate(left);
        left -= rules.len();
    }
    groups.retain(|(_, rules)| !rules.is_empty());
    groups
}

impl Tried {
    fn new(
        rule: &IntegrationRule,
        integration: &Integration,
        caller: &Caller,
        asked: Asked,
        faults: &Faults,
    ) -> Self {
        let matchers = asked.matchers.as_deref().unwrap_or_default();
        let bad_matchers = match bad_lines(faults, RULE, matchers) {
            fault if fault.is_empty() => bad_lines(faults, "", matchers),
            fault => fault,
        };
        Self {
            id: rule.id.to_string(),
            name: visible(&rule.name),
            integration: visible(&integration.name),
            path: format!(
                "{}/rules/{}",
                tabs::path(&integration.connector, integration.id),
                rule.id
            ),
            sets: event_sets(&caller.configuration),
            switches: switches(rule, caller),
            over: &OVER,
            bad_matchers,
            asked,
        }
    }
}

/// What the mappings that name a rule can be switched to.
fn switches(rule: &IntegrationRule, caller: &Caller) -> Vec<(String, String)> {
    let configuration = &caller.configuration;
    let name = |mapping: &CompanyMapping| match mapping.company {
        MappedTo::All => Some("all companies".to_owned()),
        MappedTo::Company(id) if !caller.sees(id) => None,
        MappedTo::Company(id) => configuration
            .company(id)
            .map(|company| visible(&company.name)),
    };
    let named = configuration
        .mappings_of(rule.integration)
        .filter(|mapping| mapping.rules.contains(&rule.id));
    let mut switches: Vec<_> = named
        .filter_map(|mapping| {
            let to = if mapping.create_webhook_alert {
                "off"
            } else {
                "on"
            };
            let value = format!("{}:{to}", Mapped::from(mapping.company));
            Some((value, format!("Switch {to} for {}", name(mapping)?)))
        })
        .collect();
    switches.sort_unstable_by_key(|(_, word)| word.to_lowercase());
    switches.truncate(SWITCHES);
    switches.insert(0, (String::new(), "As it is now".to_owned()));
    switches
}

impl DryRunPage {
    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        let hostile = "\"><script>alert(1)</script>";
        let pair = || ("1".to_owned(), hostile.to_owned());
        let tried = || Tried {
            id: "1".to_owned(),
            name: hostile.to_owned(),
            integration: hostile.to_owned(),
            path: "/settings/integrations/webhook/1/rules/1".to_owned(),
            asked: Asked {
                event_set: Some("1".to_owned()),
                matchers: Some(hostile.to_owned()),
                hours: "24".to_owned(),
                ..Asked::default()
            },
            sets: vec![pair()],
            switches: vec![pair()],
            over: &OVER,
            bad_matchers: String::new(),
        };
        let page = |groups, tried, faults, outcome| Self {
            frame: Frame::sample(Here::Rules),
            groups,
            tried,
            faults,
            outcome,
        };
        let groups = || vec![(hostile.to_owned(), vec![pair()])];
        let wrong = Faults::field("/change/rules/0/event_set_id", hostile);
        vec![
            page(Vec::new(), None, Faults::none(), None),
            page(groups(), None, Faults::none(), None),
            page(groups(), Some(tried()), wrong, None),
            page(
                groups(),
                Some(tried()),
                Faults::none(),
                Some(Outcome::sample()),
            ),
        ]
    }
}

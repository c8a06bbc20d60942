use std::collections::HashMap;

use domain::catalogue::nearest;
use domain::company::name_key;
use domain::configuration::{Configuration, Parts, Removed};
use domain::filter::Filter;
use domain::rule::IntegrationRule;
use domain::{EventSetId, IntegrationId, RuleId};
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::integrations::{Known, is_on};
use crate::api::configuration::document::ENTRIES;
use crate::api::configuration::plan::{Names, Pair, Plan, written};
use crate::api::rule::create::{on, parse_matchers};

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    name: String,
    /// Its name.
    event_set: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<String>,
    /// On unless told.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    #[schema(required = false)]
    enabled: bool,
}

pub(super) fn export(configuration: &Configuration) -> HashMap<IntegrationId, Vec<RuleEntry>> {
    let mut entries: HashMap<_, Vec<_>> = HashMap::new();
    for rule in configuration.rules() {
        let set = configuration.event_set(rule.event_set);
        let entry = RuleEntry::of(rule, set.map_or("", |set| &set.name));
        entries.entry(rule.integration).or_default().push(entry);
    }
    for entries in entries.values_mut() {
        entries.sort_by(|one, other| one.name.cmp(&other.name));
    }
    entries
}

pub(super) fn plan(plan: &mut Plan<'_>, known: &[Known<'_>]) {
    let stored = plan.stored.clone();
    let mut of_integration: HashMap<IntegrationId, Vec<&IntegrationRule>> = HashMap::new();
    for rule in stored.rules() {
        of_integration
            .entry(rule.integration)
            .or_default()
            .push(rule);
    }
    let sets = Sets::of(&plan.caller.configuration);
    let (mut put, mut removed) = (Vec::new(), Vec::new());
    for known in known {
        let Some(entries) = &known.entry.rules else {
            continue;
        };
        plan.fields.within(format!("/integrations/{}", known.index));
        plan.fields.at_most("/rules", entries.len(), ENTRIES);
        let rules = of_integration.remove(&known.id).unwrap_or_default();
        let mut names = Names::new(rules.into_iter().map(|rule| (rule.name.as_str(), rule)));
        for (index, entry) in entries.iter().enumerate() {
            if plan.fields.is_full() {
                return;
            }
            let place = format!("/integrations/{}/rules/{index}", known.index);
            plan.fields.within(place);
            let former = names.take(&mut plan.fields, &entry.name);
            put.extend(entry.plan(plan, known, &sets, former));
        }
        if plan.prune {
            for rule in names.left() {
                let name = format!("{} / {}", known.entry.name.trim(), rule.name);
                plan.remove("rule", &name, Change::RemoveRule(rule.id));
                removed.push(rule.id);
            }
        }
    }
    plan.advance(
        Parts {
            rules: put,
            ..Parts::default()
        },
        Removed {
            rules: removed,
            ..Removed::default()
        },
    );
}

/// Event sets as the document calls them.
struct Sets {
    by_name: HashMap<String, EventSetId>,
    names: HashMap<EventSetId, String>,
}

impl Sets {
    fn of(configuration: &Configuration) -> Self {
        let sets = || configuration.event_sets();
        Self {
            by_name: sets().map(|set| (name_key(&set.name), set.id)).collect(),
            names: sets().map(|set| (set.id, set.name.clone())).collect(),
        }
    }

    fn find(&self, name: &str) -> Result<EventSetId, String> {
        if let Some(id) = self.by_name.get(&name_key(name)) {
            return Ok(*id);
        }
        let shown: String = name.chars().take(64).collect();
        Err(
            match nearest(name, self.names.values().map(String::as_str)) {
                Some(near) => format!("there is no event set `{shown}`; did you mean `{near}`?"),
                None => format!("there is no event set `{shown}`; give the name of one"),
            },
        )
    }
}

impl RuleEntry {
    fn of(rule: &IntegrationRule, event_set: &str) -> Self {
        Self {
            name: rule.name.clone(),
            event_set: event_set.to_owned(),
            matchers: rule.matchers.iter().map(Filter::to_string).collect(),
            enabled: rule.enabled,
        }
    }

    fn plan(
        &self,
        plan: &mut Plan<'_>,
        known: &Known<'_>,
        sets: &Sets,
        former: Option<&IntegrationRule>,
    ) -> Option<IntegrationRule> {
        let name = plan.fields.name(&self.name);
        let event_set = plan.fields.take("/event_set", sets.find(&self.event_set));
        let matchers = parse_matchers(&mut plan.fields, &self.matchers);
        let (id, created_at) = match former {
            Some(rule) => (rule.id, rule.created_at),
            None => (plan.app.fresh(RuleId::new), plan.app.now()),
        };
        let rule = IntegrationRule {
            id,
            integration: known.id,
            name: name?,
            event_set: event_set?,
            matchers,
            enabled: self.enabled,
            created_at,
        };
        let form = |rule: &IntegrationRule| {
            // A set that goes has no name any more, and its rule another set.
            let set = sets.names.get(&rule.event_set).cloned().or_else(|| {
                let set = plan.stored.event_set(rule.event_set);
                set.map(|set| set.name.clone())
            });
            written(&Self::of(rule, &set.unwrap_or_default()))
        };
        let pair = Pair {
            what: "rule",
            name: &format!("{} / {}", known.entry.name.trim(), rule.name),
            old: former.map(form),
            new: form(&rule),
            secrets: Vec::new(),
        };
        if plan.show(pair) {
            plan.write(match former {
                Some(_) => Change::UpdateRule(rule.clone()),
                None => Change::InsertRule(rule.clone()),
            });
        }
        Some(rule)
    }
}

use std::collections::{BTreeMap, HashMap};

use domain::catalogue::nearest;
use domain::company::name_key;
use domain::configuration::Configuration;
use domain::integration::COMPANIES;
use domain::mapping::{CompanyMapping, MappedTo, RULES};
use domain::{IntegrationId, RuleId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Change;
use utoipa::ToSchema;

use super::integrations::Known;
use crate::api::configuration::document::ENTRIES;
use crate::api::configuration::plan::{Pair, Plan};
use crate::api::fields::Fields;
use crate::api::mapping::put_many::read_companies;
use crate::read::Mapped;

/// The same mapping of several companies, or of all.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingEntry {
    /// Names of companies, or `"all"`.
    #[schema(value_type = Object)]
    companies: Value,
    /// Names of the integration's rules.
    rules: Vec<String>,
    /// Off unless told: mapped, but silent.
    #[serde(default)]
    create_webhook_alert: bool,
}

/// What makes two mappings the same: the rules, and the switch.
type Same = (Vec<RuleId>, bool);

/// Mappings of the same rules as one entry, that of all first, then by the first company.
pub(super) fn export(configuration: &Configuration) -> HashMap<IntegrationId, Vec<MappingEntry>> {
    let mut general: HashMap<IntegrationId, Same> = HashMap::new();
    let mut own: HashMap<IntegrationId, BTreeMap<Same, Vec<String>>> = HashMap::new();
    for mapping in configuration.mappings() {
        let same = (mapping.rules.clone(), mapping.create_webhook_alert);
        match mapping.company {
            MappedTo::All => drop(general.insert(mapping.integration, same)),
            MappedTo::Company(id) => {
                let name = configuration
                    .company(id)
                    .map_or_else(|| id.to_string(), |company| company.name.clone());
                let groups = own.entry(mapping.integration).or_default();
                groups.entry(same).or_default().push(name);
            }
        }
    }
    let mut entries: HashMap<IntegrationId, Vec<MappingEntry>> = HashMap::new();
    for (integration, groups) in own {
        entries.insert(integration, grouped(groups, configuration));
    }
    for (integration, same) in general {
        let all = MappingEntry::new(json!("all"), &same, configuration);
        entries.entry(integration).or_default().insert(0, all);
    }
    entries
}

fn grouped(
    groups: BTreeMap<Same, Vec<String>>,
    configuration: &Configuration,
) -> Vec<MappingEntry> {
    let mut sorted: Vec<_> = groups.into_iter().collect();
    for (_, companies) in &mut sorted {
        companies.sort_unstable();
    }
    sorted.sort_by(|(_, one), (_, other)| one.cmp(other));
    let mut entries = Vec::with_capacity(sorted.len());
    for (same, companies) in sorted {
        // An entry may name so many, as a call may.
        for piece in companies.chunks(COMPANIES) {
            entries.push(MappingEntry::new(json!(piece), &same, configuration));
        }
    }
    entries
}

pub(super) fn plan(plan: &mut Plan<'_>, known: &[Known<'_>]) {
    let rules = Rules::of(&plan.caller.configuration);
    let stored = plan.stored.clone();
    let mut of_integration: HashMap<IntegrationId, Vec<&CompanyMapping>> = HashMap::new();
    if plan.prune {
        for mapping in stored.mappings() {
            of_integration
                .entry(mapping.integration)
                .or_default()
                .push(mapping);
        }
    }
    for known in known {
        let Some(entries) = &known.entry.mappings else {
            continue;
        };
        plan.fields.within(format!("/integrations/{}", known.index));
        plan.fields.at_most("/mappings", entries.len(), ENTRIES);
        let mut named: BTreeMap<Mapped, CompanyMapping> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            if plan.fields.is_full() {
                return;
            }
            let place = format!("/integrations/{}/mappings/{index}", known.index);
            plan.fields.within(place);
            entry.read(plan, known.id, &rules, &mut named);
        }
        let left = of_integration.remove(&known.id).unwrap_or_default();
        let left = left
            .into_iter()
            .filter(|mapping| !named.contains_key(&mapping.company.into()));
        let mut left: Vec<_> = left
            .map(|mapping| (shown(plan, known, mapping), mapping.company))
            .collect();
        left.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (name, company) in left {
            let integration = known.id;
            plan.remove(
                "mapping",
                &name,
                Change::RemoveMapping {
                    integration,
                    company,
                },
            );
        }
        change(plan, known, &rules, named);
    }
}

/// Plans those of an integration's mappings that differ, as one change.
fn change(
    plan: &mut Plan<'_>,
    known: &Known<'_>,
    rules: &Rules,
    named: BTreeMap<Mapped, CompanyMapping>,
) {
    let stored = plan.stored.clone();
    let mut others = Vec::new();
    for mapping in named.into_values() {
        let former = stored.mapping(known.id, mapping.company);
        if former == Some(&mapping) {
            continue;
        }
        let form = |mapping: &CompanyMapping| {
            let name = |id: &RuleId| {
                let former = || stored.rule(*id).map(|rule| rule.name.clone());
                rules.names.get(id).cloned().or_else(former)
            };
            let names: Vec<_> = mapping.rules.iter().filter_map(name).collect();
            json!({"rules": names, "create_webhook_alert": mapping.create_webhook_alert})
        };
        let pair = Pair {
            what: "mapping",
            name: &shown(plan, known, &mapping),
            old: former.map(form),
            new: form(&mapping),
            secrets: Vec::new(),
        };
        if plan.show(pair) {
            others.push(mapping);
        }
    }
    if !others.is_empty() {
        plan.write(Change::PutMappings(others));
    }
}

/// What a mapping is called.
fn shown(plan: &Plan<'_>, known: &Known<'_>, mapping: &CompanyMapping) -> String {
    let company = match mapping.company {
        MappedTo::Company(id) => plan.call(id),
        MappedTo::All => "all".to_owned(),
    };
    format!("{} / {company}", known.entry.name.trim())
}

/// Rules of each integration as the document calls them.
struct Rules {
    by_name: HashMap<IntegrationId, HashMap<String, RuleId>>,
    names: HashMap<RuleId, String>,
}

impl Rules {
    fn of(configuration: &Configuration) -> Self {
        let mut by_name: HashMap<_, HashMap<_, _>> = HashMap::new();
        for rule in configuration.rules() {
            let of_integration = by_name.entry(rule.integration).or_default();
            of_integration.insert(name_key(&rule.name), rule.id);
        }
        let names = configuration.rules();
        Self {
            by_name,
            names: names.map(|rule| (rule.id, rule.name.clone())).collect(),
        }
    }

    fn find(&self, integration: IntegrationId, name: &str) -> Result<RuleId, String> {
        let own = self.by_name.get(&integration);
        if let Some(id) = own.and_then(|own| own.get(&name_key(name))) {
            return Ok(*id);
        }
        let shown: String = name.chars().take(64).collect();
        let names = own.into_iter().flatten().map(|(_, id)| id);
        let names = names
            .filter_map(|id| self.names.get(id))
            .map(String::as_str);
        Err(match nearest(name, names) {
            Some(near) => {
                format!("there is no rule `{shown}` of this integration; did you mean `{near}`?")
            }
            None => format!("there is no rule `{shown}` of this integration"),
        })
    }

    fn read(
        &self,
        fields: &mut Fields,
        names: &[String],
        integration: IntegrationId,
    ) -> Vec<RuleId> {
        fields.at_most("/rules", names.len(), RULES);
        let mut rules: Vec<RuleId> = Vec::with_capacity(names.len().min(RULES));
        for (index, name) in names.iter().enumerate().take(RULES) {
            let found = fields.take(&format!("/rules/{index}"), self.find(integration, name));
            rules.extend(found.filter(|rule| !rules.contains(rule)));
        }
        rules
    }
}

impl MappingEntry {
    fn new(companies: Value, same: &Same, configuration: &Configuration) -> Self {
        let (rules, create_webhook_alert) = same;
        let name = |id: &RuleId| configuration.rule(*id).map(|rule| rule.name.clone());
        Self {
            companies,
            rules: rules.iter().filter_map(name).collect(),
            create_webhook_alert: *create_webhook_alert,
        }
    }

    /// Reads the entry into the mappings that the document names so far.
    fn read(
        &self,
        plan: &mut Plan<'_>,
        integration: IntegrationId,
        rules: &Rules,
        named: &mut BTreeMap<Mapped, CompanyMapping>,
    ) {
        let configuration = &plan.caller.configuration;
        let fields = &mut plan.fields;
        // One that the integration is not associated with (any more) is kept: it does nothing, and an export has it.
        let companies = read_companies(fields, &self.companies, &plan.caller);
        let rules = rules.read(fields, &self.rules, integration);
        for company in companies {
            let mapping = CompanyMapping {
                integration,
                company,
                rules: rules.clone(),
                create_webhook_alert: self.create_webhook_alert,
            };
            if named.insert(company.into(), mapping).is_some() {
                let name = match company {
                    MappedTo::Company(id) => configuration.company(id).map(|c| c.name.as_str()),
                    MappedTo::All => Some("all"),
                };
                let name = name.unwrap_or_default();
                fields.error("/companies", format!("`{name}` has a mapping here already"));
            }
        }
    }
}

//! Whether a rule makes alerts: its own switch and those of the company mappings that name it (*Create Webhook Alert*) say so.

use std::collections::HashMap;

use domain::mapping::MappedTo;
use domain::rule::IntegrationRule;
use domain::{IntegrationId, RuleId};

use crate::api::integration::seen;
use crate::console::text::visible;
use crate::read::Caller;

/// Most companies that are named of those that a rule is mapped to.
const NAMED: usize = 3;

/// The mappings that name a rule.
#[derive(Debug, Clone, Default)]
pub(in crate::console) struct Standing {
    /// Names of companies, as many as are named.
    names: Vec<String>,
    /// Companies beyond those.
    more: usize,
    /// The mapping of all companies names it.
    pub(in crate::console) all: bool,
    /// Mappings that make alerts, and those that are silent.
    on: usize,
    silent: usize,
    /// The rule itself is switched off.
    pub(in crate::console) is_off: bool,
}

/// The standing of each rule that a mapping names, as far as somebody sees companies and integrations.
pub(in crate::console) fn standings(
    caller: &Caller,
    of: Option<IntegrationId>,
) -> HashMap<RuleId, Standing> {
    let configuration = &caller.configuration;
    let mut standings: HashMap<RuleId, Standing> = HashMap::new();
    let mappings = configuration
        .mappings()
        .filter(|mapping| of.is_none_or(|of| mapping.integration == of));
    for mapping in mappings {
        let integration = configuration.integration(mapping.integration);
        let Some(integration) = integration.filter(|integration| seen(integration, caller)) else {
            continue;
        };
        let mut is_on = mapping.create_webhook_alert;
        let name = match mapping.company {
            MappedTo::All => None,
            MappedTo::Company(id) if !caller.sees(id) => continue,
            MappedTo::Company(id) => {
                is_on &= integration.serves(id);
                Some(
                    configuration
                        .company(id)
                        .map_or_else(|| id.to_string(), |company| visible(&company.name)),
                )
            }
        };
        for rule in &mapping.rules {
            let standing = standings.entry(*rule).or_default();
            standing.count(name.as_deref(), is_on);
        }
    }
    for standing in standings.values_mut() {
        standing
            .names
            .sort_unstable_by_key(|name| name.to_lowercase());
        standing.more = standing.names.len().saturating_sub(NAMED);
        standing.names.truncate(NAMED);
    }
    standings
}

impl Standing {
    /// That of one rule.
    pub(in crate::console) fn of(
        rule: &IntegrationRule,
        standings: &HashMap<RuleId, Self>,
    ) -> Self {
        Self {
            is_off: !rule.enabled,
            ..standings.get(&rule.id).cloned().unwrap_or_default()
        }
    }

    fn count(&mut self, company: Option<&str>, is_on: bool) {
        match company {
            Some(name) => self.names.push(name.to_owned()),
            None => self.all = true,
        }
        let place = if is_on {
            &mut self.on
        } else {
            &mut self.silent
        };
        *place += 1;
    }

    /// Class and glyph of the badge, and its word.
    pub(in crate::console) fn badge(&self) -> (&'static str, &'static str, &'static str) {
        match (self.on, self.silent) {
            _ if self.is_off => ("held", "‖", "off"),
            (0, 0) => ("wait", "○", "not mapped"),
            (0, _) => ("held", "‖", "off: mapped, silent"),
            (_, 0) => ("good", "✓", "on"),
            _ => ("good", "◐", "on, silent for some"),
        }
    }

    /// The companies in a few words; empty when there is none.
    pub(in crate::console) fn companies(&self) -> String {
        let mut words = self.names.join(", ");
        if self.more > 0 {
            words.push_str(&format!(" and {} more", self.more));
        }
        match (self.all, words.is_empty()) {
            (true, true) => "All companies".to_owned(),
            (true, false) => format!("All companies, and of their own {words}"),
            (false, _) => words,
        }
    }

    #[cfg(test)]
    pub(in crate::console) fn sample(on: usize, silent: usize, is_off: bool) -> Self {
        Self {
            names: vec!["<i>Globex".to_owned(); on.min(1)],
            more: 2 * silent,
            all: silent > 0,
            on,
            silent,
            is_off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_on_where_a_mapping_makes_alerts() {
        let words = [(0, 0), (0, 1), (1, 0), (1, 1)]
            .map(|(on, silent)| Standing::sample(on, silent, false).badge().2);
        assert_eq!(
            words,
            [
                "not mapped",
                "off: mapped, silent",
                "on",
                "on, silent for some"
            ]
        );
        assert_eq!(Standing::sample(1, 0, true).badge().2, "off");
    }

    #[test]
    fn companies_are_named_in_a_few_words() {
        let mut standing = Standing::default();
        assert_eq!(standing.companies(), "");
        standing.count(None, true);
        assert_eq!(standing.companies(), "All companies");
        standing.count(Some("Acme"), true);
        standing.more = 2;
        assert_eq!(
            standing.companies(),
            "All companies, and of their own Acme and 2 more"
        );
    }
}

//! Which integrations an event goes to, and why: company mapping -> rule -> event set -> integration, unless a silence holds.
//!
//! One walk serves routing, `explain` and what-if: [`route`] listens for the verdict alone,
//! [`explain`] listens for each hop as well.

use serde::Serialize;

use crate::configuration::Configuration;
use crate::event::{Event, Fingerprint, Reading, Reason, Routing};
use crate::event_set::NotifyBy;
use crate::mapping::MappedTo;
use crate::rule::IntegrationRule;
use crate::{CompanyId, IntegrationId, RuleId, Severity, SilenceId, SourceId, Timestamp};

/// What matching and filters may ask of an event.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub company: Option<CompanyId>,
    pub source: Option<SourceId>,
    pub kind: Option<&'a str>,
    pub category: Option<&'a str>,
    pub subject: &'a str,
    pub body: &'a str,
    pub severity: Severity,
    pub reading: &'a Reading,
    pub received_at: Timestamp,
    pub occurred_at: Option<Timestamp>,
    pub fingerprint: Fingerprint,
    /// Where it went; of an event that has not been matched yet nobody may ask.
    pub routing: Routing,
    pub via: &'a [String],
}

impl<'a> Facts<'a> {
    /// All that there is to ask of a stored event.
    #[must_use]
    pub fn of(event: &'a Event) -> Self {
        Self {
            company: event.company,
            source: event.source,
            kind: event.kind.as_deref(),
            category: event.category.as_deref(),
            subject: &event.subject,
            body: &event.body,
            severity: event.severity,
            reading: &event.reading,
            received_at: event.received_at,
            occurred_at: event.occurred_at,
            fingerprint: event.fingerprint,
            routing: event.routing,
            via: &event.via,
        }
    }
}

/// One delivery to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub integration: IntegrationId,
    pub rule: RuleId,
    pub notify_by: NotifyBy,
    /// Critical events of this set do not wait for the window.
    pub critical_bypass: bool,
}

/// Where an event goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub routing: Routing,
    /// At most one for each integration.
    pub plans: Vec<Plan>,
    /// The silence without which it would be routed.
    pub silence: Option<SilenceId>,
}

/// One hop of the way of an event, in words and as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// `source`, `parse`, `reopened`, `repeats`, `company`, `mapping`, `rule`, `matcher`, `event_set`, `delivery`, `silence`, `verdict`.
    pub hop: &'static str,
    pub ok: bool,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<IntegrationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Muting>,
}

/// The silence of a hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Muting {
    pub id: SilenceId,
    pub name: String,
    /// The end of the window that the event fell into.
    pub until: Timestamp,
}

impl Hop {
    /// A hop that is about no integration, rule or silence.
    #[must_use]
    pub fn plain(hop: &'static str, ok: bool, detail: String) -> Self {
        Self {
            hop,
            ok,
            detail,
            integration: None,
            rule: None,
            silence: None,
        }
    }
}

/// The verdict on an event under a configuration.
#[must_use]
pub fn route(facts: &Facts<'_>, configuration: &Configuration) -> Verdict {
    Walk {
        facts,
        configuration,
        hops: None,
    }
    .verdict()
}

/// The same verdict, with each hop of the way to it.
#[must_use]
pub fn explain(facts: &Facts<'_>, configuration: &Configuration) -> (Verdict, Vec<Hop>) {
    let mut walk = Walk {
        facts,
        configuration,
        hops: Some(Vec::new()),
    };
    let verdict = walk.verdict();
    (verdict, walk.hops.unwrap_or_default())
}

struct Walk<'a> {
    facts: &'a Facts<'a>,
    configuration: &'a Configuration,
    hops: Option<Vec<Hop>>,
}

impl Walk<'_> {
    fn verdict(&mut self) -> Verdict {
        let (mut plans, mut reason) = self.plans();
        let silence = if plans.is_empty() {
            None
        } else {
            self.silence()
        };
        if silence.is_some() {
            (plans, reason) = (Vec::new(), Reason::Silenced);
        }
        let routing = if plans.is_empty() {
            Routing::Unrouted(reason)
        } else {
            Routing::Routed
        };
        self.note("verdict", !plans.is_empty(), None, None, || match routing {
            Routing::Routed => format!("routed to {} integration(s)", plans.len()),
            Routing::Unrouted(reason) => reason.explanation().to_owned(),
        });
        Verdict {
            routing,
            plans,
            silence,
        }
    }

    /// The silence that keeps the event from its integrations. Nobody asks for one where there are none to go to.
    fn silence(&mut self) -> Option<SilenceId> {
        let silence = self.configuration.muting(self.facts)?;
        if let Some(hops) = &mut self.hops {
            let window = silence.window_at(self.facts.received_at);
            let until = window.map_or_else(|| silence.ends(), |window| window.until);
            let detail = format!(
                "silence {}: it holds until {until} and its filter {} fits",
                silence.name, silence.filter
            );
            hops.push(Hop {
                silence: Some(Muting {
                    id: silence.id,
                    name: silence.name.clone(),
                    until,
                }),
                ..Hop::plain("silence", false, detail)
            });
        }
        Some(silence.id)
    }

    /// The plans, and how far the event got where there is none.
    fn plans(&mut self) -> (Vec<Plan>, Reason) {
        let configuration = self.configuration;
        if self.facts.via.contains(&configuration.instance) {
            return (Vec::new(), Reason::Loop);
        }
        let Some(company) = self.facts.company else {
            self.note("company", false, None, None, || {
                "unassigned: no company is known".to_owned()
            });
            return (Vec::new(), Reason::UnassignedCompany);
        };
        self.note("company", true, None, None, || {
            match configuration.company(company) {
                Some(company) => format!("company {} ({})", company.name, company.id),
                None => format!("company {company}, which has been removed"),
            }
        });
        let mut plans: Vec<Plan> = Vec::new();
        let mut reason = Reason::NoMapping;
        for mapping in configuration.mappings_for(company) {
            let integration = mapping.integration;
            if !configuration
                .integration(integration)
                .is_some_and(|found| found.serves(company))
            {
                self.note("mapping", false, Some(integration), None, || {
                    "a mapping is there, but the company is not among the integration's associated companies".to_owned()
                });
                continue;
            }
            if !mapping.create_webhook_alert {
                reason = reason.max(Reason::MappingOff);
                self.note("mapping", false, Some(integration), None, || {
                    Reason::MappingOff.explanation().to_owned()
                });
                continue;
            }
            reason = Reason::NoRule;
            self.note("mapping", true, Some(integration), None, || {
                match mapping.company {
                    MappedTo::Company(_) => "the company's own mapping".to_owned(),
                    MappedTo::All => "the mapping of all companies".to_owned(),
                }
            });
            plans.extend(self.plan(integration, &mapping.rules));
        }
        (plans, reason)
    }

    /// The most immediate of an integration's rules that select the event (decisions.md 1).
    fn plan(&mut self, integration: IntegrationId, rules: &[RuleId]) -> Option<Plan> {
        let configuration = self.configuration;
        let mut best: Option<Plan> = None;
        for rule in rules.iter().filter_map(|id| configuration.rule(*id)) {
            let Some(plan) = self.selected(rule) else {
                continue;
            };
            if best
                .as_ref()
                .is_none_or(|best| plan.notify_by < best.notify_by)
            {
                best = Some(plan);
            }
        }
        if let Some(plan) = &best {
            self.note("delivery", true, Some(integration), Some(plan.rule), || {
                format!(
                    "delivered by this rule, notify by {}",
                    plan.notify_by.as_str()
                )
            });
        }
        best
    }

    fn selected(&mut self, rule: &IntegrationRule) -> Option<Plan> {
        let integration = Some(rule.integration);
        if !rule.enabled {
            self.note("rule", false, integration, Some(rule.id), || {
                format!("rule {}: it is switched off", rule.name)
            });
            return None;
        }
        let set = self.configuration.event_set(rule.event_set)?;
        let kinds = self
            .facts
            .kind
            .into_iter()
            .chain(self.facts.reading.alternatives.iter().map(String::as_str));
        let ticked = kinds.clone().any(|kind| {
            set.events
                .binary_search_by(|code| code.as_str().cmp(kind))
                .is_ok()
        });
        if !ticked {
            self.note("event_set", false, integration, Some(rule.id), || {
                let kind = self.facts.kind.unwrap_or("an unknown kind");
                format!(
                    "rule {}: event set {} does not tick {kind}",
                    rule.name, set.name
                )
            });
            return None;
        }
        if let Some(matcher) = rule
            .matchers
            .iter()
            .find(|matcher| !matcher.matches(self.facts, self.configuration))
        {
            self.note("matcher", false, integration, Some(rule.id), || {
                format!("rule {}: matcher {matcher} does not hold", rule.name)
            });
            return None;
        }
        self.note("rule", true, integration, Some(rule.id), || {
            format!(
                "rule {}: event set {} ticks it and every matcher holds",
                rule.name, set.name
            )
        });
        Some(Plan {
            integration: rule.integration,
            rule: rule.id,
            notify_by: set.notify_by,
            critical_bypass: set.critical_bypass,
        })
    }

    /// Keeps a hop when someone listens; its words are made only then.
    fn note(
        &mut self,
        hop: &'static str,
        ok: bool,
        integration: Option<IntegrationId>,
        rule: Option<RuleId>,
        detail: impl FnOnce() -> String,
    ) {
        if let Some(hops) = &mut self.hops {
            hops.push(Hop {
                integration,
                rule,
                ..Hop::plain(hop, ok, detail())
            });
        }
    }
}

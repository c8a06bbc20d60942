use std::collections::BTreeMap;

use domain::access::Scope;
use domain::configuration::Configuration;
use domain::event::{Reason, Routing};
use domain::silence::Window;
use domain::what_if::{Example, Way, companies_without_mapping};
use domain::{IntegrationId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::question::Answered;
use crate::api::Named;
use crate::read::Caller;

/// `same`, `gained`, `lost` and `moved` add up to `events`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhatIfView {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) until: Timestamp,
    /// Events that were compared.
    pub(crate) events: u64,
    /// Events that were read, those included that the filter kept out.
    pub(crate) read: u64,
    /// All events of this time were read; otherwise only the newest of them.
    pub(crate) complete: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) oldest_examined: Option<Timestamp>,
    /// They go to the same integrations.
    pub(crate) same: u64,
    /// They go to further integrations.
    pub(crate) gained: u64,
    /// They do not go to some integrations any more.
    pub(crate) lost: u64,
    /// They go to some integrations in the place of others.
    pub(crate) moved: u64,
    /// How many events each integration gets.
    pub(crate) integrations: Vec<IntegrationCount>,
    /// How many events go nowhere, by the reason.
    reasons: ReasonsView,
    /// Companies whose events go nowhere for want of a mapping, after the change.
    companies_without_mapping: usize,
    /// The newest events that do not stay the same, at most 100.
    pub(crate) examples: Vec<ExampleView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrationCount {
    #[serde(flatten)]
    pub(crate) integration: Named,
    pub(crate) before: u64,
    pub(crate) after: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonsView {
    #[schema(value_type = Object)]
    before: BTreeMap<&'static str, u64>,
    #[schema(value_type = Object)]
    after: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExampleView {
    pub(crate) event_id: String,
    pub(crate) subject: String,
    pub(crate) company: Option<Named>,
    /// The integrations that it goes to.
    pub(crate) before: Vec<Named>,
    pub(crate) after: Vec<Named>,
    /// Why it goes nowhere.
    #[schema(value_type = Option<String>)]
    pub(crate) reason_before: Option<&'static str>,
    #[schema(value_type = Option<String>)]
    pub(crate) reason_after: Option<&'static str>,
}

impl WhatIfView {
    pub(super) fn new(
        answered: Answered,
        over: Window,
        after: &Configuration,
        caller: &Caller,
    ) -> Self {
        let tally = answered.tally;
        let scope: &Scope = caller.scope();
        let counts = tally
            .integrations
            .iter()
            .map(|(id, sides)| IntegrationCount {
                integration: named(*id, caller),
                before: sides.before,
                after: sides.after,
            });
        Self {
            since: over.from,
            until: over.until,
            events: tally.events,
            read: tally.read,
            complete: answered.complete,
            oldest_examined: tally.last,
            same: tally.same,
            gained: tally.gained,
            lost: tally.lost,
            moved: tally.moved,
            integrations: counts.collect(),
            reasons: ReasonsView {
                before: words(&tally.reasons.before),
                after: words(&tally.reasons.after),
            },
            companies_without_mapping: companies_without_mapping(after, scope),
            examples: tally
                .examples
                .into_iter()
                .map(|example| ExampleView::new(example, caller))
                .collect(),
        }
    }
}

impl ExampleView {
    fn new(example: Example, caller: &Caller) -> Self {
        let names = |way: &Way| {
            let ids = way.integrations.iter();
            ids.map(|id| named(*id, caller)).collect()
        };
        let (before, after) = (&example.ways.before, &example.ways.after);
        let company = example.company;
        Self {
            event_id: example.event.to_string(),
            company: company.map(|id| Named::company(id, &caller.configuration)),
            before: names(before),
            after: names(after),
            reason_before: reason(before),
            reason_after: reason(after),
            subject: example.subject,
        }
    }
}

/// A change makes no integrations, so today's configuration knows them all.
fn named(id: IntegrationId, caller: &Caller) -> Named {
    Named::integration(id, &caller.configuration)
}

fn reason(way: &Way) -> Option<&'static str> {
    match way.routing {
        Routing::Routed => None,
        Routing::Unrouted(reason) => Some(reason.as_str()),
    }
}

fn words(reasons: &BTreeMap<Reason, u64>) -> BTreeMap<&'static str, u64> {
    reasons
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect()
}

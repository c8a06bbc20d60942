//! What would be if: stored events are matched on two snapshots, and what differs is counted.
//!
//! The verdict of each side is that of [`route`], so what-if says what would happen and not something like it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Scope;
use crate::configuration::Configuration;
use crate::event::{Event, Reason, Routing};
use crate::filter::Filter;
use crate::matching::{Facts, route};
use crate::{CompanyId, EventId, IntegrationId, Timestamp};

/// Most events that one question reads.
pub const EVENTS: u64 = 200_000;
/// Most changed events that an answer shows.
pub const EXAMPLES: usize = 100;

/// A question under way: events are shown to it one by one.
#[derive(Debug)]
pub struct WhatIf {
    before: Arc<Configuration>,
    after: Arc<Configuration>,
    /// Only events that it lets through are compared.
    filter: Option<Filter>,
    tally: Tally,
}

/// What the events so far came to. `same`, `gained`, `lost` and `moved` add up to `events`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that were looked at, those included that the filter keeps out.
    pub read: u64,
    /// Events that were compared.
    pub events: u64,
    /// Events that go to the same integrations.
    pub same: u64,
    /// Events that go to further integrations, and to all that they went to.
    pub gained: u64,
    /// Events that do not go to some integrations any more, and to no other.
    pub lost: u64,
    /// Events that go to some integrations in the place of others.
    pub moved: u64,
    /// How many events each integration gets.
    pub integrations: BTreeMap<IntegrationId, Sides<u64>>,
    /// Why events go nowhere, and how many.
    pub reasons: Sides<BTreeMap<Reason, u64>>,
    /// The first events that do not stay the same.
    pub examples: Vec<Example>,
    /// When the last event that was looked at had come in.
    pub last: Option<Timestamp>,
}

/// The same of both snapshots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides<T> {
    pub before: T,
    pub after: T,
}

/// An event that does not stay the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub event: EventId,
    pub subject: String,
    pub company: Option<CompanyId>,
    pub ways: Sides<Way>,
}

/// Where an event goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub routing: Routing,
    /// Sorted.
    pub integrations: Vec<IntegrationId>,
}

impl WhatIf {
    #[must_use]
    pub fn new(
        before: Arc<Configuration>,
        after: Arc<Configuration>,
        filter: Option<Filter>,
    ) -> Self {
        Self {
            before,
            after,
            filter,
            tally: Tally::default(),
        }
    }

    /// Compares one more event.
    pub fn see(&mut self, event: &Event) {
        self.tally.read += 1;
        self.tally.last = Some(event.received_at);
        let facts = Facts::of(event);
        let wanted = self.filter.as_ref();
        if !wanted.is_none_or(|filter| filter.matches(&facts, &self.before)) {
            return;
        }
        let ways = Sides {
            before: Way::of(&facts, &self.before),
            after: Way::of(&facts, &self.after),
        };
        self.tally.count(&ways);
        if ways.before.integrations != ways.after.integrations
            && self.tally.examples.len() < EXAMPLES
        {
            self.tally.examples.push(Example {
                event: event.id,
                subject: event.subject.clone(),
                company: event.company,
                ways,
            });
        }
    }

    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    #[must_use]
    pub fn into_tally(self) -> Tally {
        self.tally
    }
}

impl Way {
    fn of(facts: &Facts<'_>, configuration: &Configuration) -> Self {
        let verdict = route(facts, configuration);
        let mut integrations: Vec<_> = verdict.plans.iter().map(|plan| plan.integration).collect();
        integrations.sort_unstable();
        Self {
            routing: verdict.routing,
            integrations,
        }
    }

    fn lacks_some_of(&self, other: &Self) -> bool {
        let has = |id: &IntegrationId| self.integrations.binary_search(id).is_ok();
        !other.integrations.iter().all(has)
    }
}

impl Tally {
    fn count(&mut self, ways: &Sides<Way>) {
        self.events += 1;
        let (before, after) = (&ways.before, &ways.after);
        let place = match (before.lacks_some_of(after), after.lacks_some_of(before)) {
            (false, false) => &mut self.same,
            (true, false) => &mut self.gained,
            (false, true) => &mut self.lost,
            (true, true) => &mut self.moved,
        };
        *place += 1;
        for id in &before.integrations {
            self.integrations.entry(*id).or_default().before += 1;
        }
        for id in &after.integrations {
            self.integrations.entry(*id).or_default().after += 1;
        }
        let reasons = &mut self.reasons;
        for (way, reasons) in [(before, &mut reasons.before), (after, &mut reasons.after)] {
            if let Routing::Unrouted(reason) = way.routing {
                *reasons.entry(reason).or_default() += 1;
            }
        }
    }
}

/// How many companies of a scope have no mapping that makes alerts of their events.
#[must_use]
pub fn companies_without_mapping(configuration: &Configuration, scope: &Scope) -> usize {
    configuration
        .companies()
        .filter(|company| scope.admits(Some(company.id)) && !configuration.is_mapped(company.id))
        .count()
}

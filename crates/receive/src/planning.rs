//! From a verdict to what the accept transaction writes.

use delivery::Planner as Deliveries;
use domain::Timestamp;
use domain::configuration::Configuration;
use domain::event::Event;
use domain::matching::{Facts, route};
use rand::Rng;
use store::Accepted;

use alertwire_catalogue::Catalogue;

/// What a message's events have in common on their way to their deliveries.
pub(crate) struct Planner<'a> {
    pub catalogue: &'a Catalogue,
    pub configuration: &'a Configuration,
    pub now: Timestamp,
    pub stamp: Timestamp,
    pub dedup_window: Option<std::time::Duration>,
}

impl Planner<'_> {
    /// Matches an event and makes its deliveries. `fields` is the `alertwire-fields` value of its rendering, if any.
    pub(crate) fn plan(
        &self,
        mut event: Event,
        fields: Option<&str>,
        rng: &mut impl Rng,
    ) -> Accepted {
        let verdict = route(&Facts::of(&event), self.configuration);
        event.routing = verdict.routing;
        event.silence = verdict.silence;
        event.epoch = self.configuration.epoch;
        let planner = Deliveries {
            catalogue: self.catalogue,
            configuration: self.configuration,
            now: self.now,
            stamp: self.stamp,
        };
        let deliveries = planner.deliveries(&verdict, &event, fields, rng);
        Accepted {
            event,
            deliveries,
            dedup_window: self.dedup_window,
        }
    }
}

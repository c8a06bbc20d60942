//! From a verdict to what the accept transaction writes.

use std::time::Duration;

use delivery::Planner;
use domain::event::Event;
use domain::matching::{Facts, route};
use rand::Rng;
use store::Accepted;

/// Matches an event and makes its deliveries. `fields` is the `alertwire-fields` value of its rendering, if any.
pub(crate) fn accepted(
    planner: &Planner<'_>,
    mut event: Event,
    fields: Option<&str>,
    dedup_window: Option<Duration>,
    rng: &mut impl Rng,
) -> Accepted {
    let verdict = route(&Facts::of(&event), planner.configuration);
    event.routing = verdict.routing;
    event.silence = verdict.silence;
    event.epoch = planner.configuration.epoch;
    let deliveries = planner.deliveries(&verdict, &event, fields, rng);
    Accepted {
        event,
        deliveries,
        dedup_window,
    }
}

//! How an event that went nowhere is let go at last: by a replay, or when it was read again.

use delivery::Planner;
use domain::Timestamp;
use domain::configuration::Configuration;
use domain::event::Event;
use store::Release;

use crate::Shared;

/// The deliveries that an event would get if it came in now; none when it would go nowhere.
pub(super) fn released(
    shared: &Shared,
    configuration: &Configuration,
    event: &Event,
    due_at: Timestamp,
    now: Timestamp,
) -> Option<Release> {
    let planner = Planner {
        configuration,
        now,
        stamp: shared.clock.stamp(),
    };
    let mut rng = shared.dice.fork();
    let mut deliveries = planner.release(event, &mut rng)?;
    for delivery in &mut deliveries {
        // What goes alone keeps the pace of the job; a group goes at the end of its window.
        if delivery.group.is_none() {
            delivery.due_at = delivery.due_at.max(due_at);
        }
    }
    Some(Release {
        event: event.id,
        deliveries,
    })
}

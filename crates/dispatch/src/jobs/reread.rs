//! A step of a re-reading: reads stored messages again and says what is to be written of them.

use std::collections::HashMap;

use alertwire_catalogue::Limits;
use delivery::planning::verdict_of_today;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::event::{Event, Routing};
use domain::reread::{Difference, Rereader, Revised, is_understood};
use domain::{EventId, Timestamp};
use store::{Accepted, Item, JobWork, NewReading, NewReadings, StoreError, Stored};

use super::release::released;
use crate::Shared;

/// Raw messages of one step, in bytes: so much is read before some of it is written.
const STEP_BYTES: usize = 16 * 1024 * 1024;

/// With what and for whom a step reads.
pub(super) struct Reading<'a> {
    pub(super) shared: &'a Shared,
    pub(super) configuration: &'a Configuration,
    pub(super) scope: &'a Scope,
    /// Whether what is understood at last is let go.
    pub(super) route: bool,
    pub(super) now: Timestamp,
}

impl Reading<'_> {
    /// What there is to be written of the next items, and of how many of them.
    pub(super) async fn read(
        &self,
        items: &[Item],
        due: &[Timestamp],
    ) -> Result<(JobWork, usize), StoreError> {
        let ids: Vec<EventId> = items.iter().map(Item::event).collect();
        let found = self
            .shared
            .store
            .to_read_again(self.scope, &ids, STEP_BYTES)
            .await?;
        let due: HashMap<_, _> = ids.iter().copied().zip(due.iter().copied()).collect();
        let mut messages = Vec::with_capacity(found.stored.len());
        let mut passed = found.gone + found.raised;
        for stored in found.stored {
            let asked = stored.events.len();
            let new = self.message(stored, &due);
            passed += (asked - new.revised.len()) as u64;
            if !new.revised.is_empty() || !new.further.is_empty() {
                messages.push(new);
            }
            // A long prose takes its time, and others wait for the same thread.
            tokio::task::yield_now().await;
        }
        let work = JobWork::Reread {
            messages,
            passed,
            failed: found.corrupt,
            epoch: self.configuration.epoch,
        };
        Ok((work, found.taken))
    }

    fn message(&self, stored: Stored, due: &HashMap<EventId, Timestamp>) -> NewReadings {
        let limits = Limits::default();
        let rereader = Rereader {
            configuration: self.configuration,
            limits: &limits,
            scope: self.scope,
        };
        let mut rng = self.shared.dice.fork();
        let first = stored.events.first().and_then(|event| due.get(&event.id));
        let first = first.copied().unwrap_or(self.now);
        let read = rereader.read(&stored.message, &stored.listed, stored.events, &mut rng);
        let taken = read
            .revised
            .into_iter()
            .filter(|each| each.difference.is_taken());
        NewReadings {
            message: stored.message.id,
            decode: read.decode,
            listed: stored.listed,
            revised: taken.map(|revised| self.revised(revised, due)).collect(),
            further: read
                .further
                .into_iter()
                .map(|event| self.further(event, first))
                .collect(),
        }
    }

    /// Only what was not understood and went nowhere is let go: what had its way keeps to it.
    fn revised(&self, revised: Revised, due: &HashMap<EventId, Timestamp>) -> NewReading {
        let Revised {
            before,
            after,
            difference,
        } = revised;
        let goes =
            self.route && difference == Difference::Understood && before.routing != Routing::Routed;
        let due_at = due.get(&before.id).copied().unwrap_or(self.now);
        let deliveries = match goes {
            true => self.let_go(&after, due_at),
            false => None,
        };
        NewReading {
            before,
            after,
            deliveries,
        }
    }

    fn further(&self, mut event: Event, due_at: Timestamp) -> Accepted {
        let mut deliveries = Vec::new();
        if self.route && is_understood(&event) {
            match self.let_go(&event, due_at) {
                Some(released) => {
                    event.routing = Routing::Routed;
                    deliveries = released;
                }
                None => {
                    let stamp = self.shared.clock.stamp();
                    event.routing = verdict_of_today(&event, self.configuration, stamp).routing;
                }
            }
        }
        Accepted {
            event,
            deliveries,
            dedup_window: None,
        }
    }

    fn let_go(&self, event: &Event, due_at: Timestamp) -> Option<Vec<store::NewDelivery>> {
        let released = released(self.shared, self.configuration, event, due_at, self.now)?;
        Some(released.deliveries)
    }
}

//! From a verdict to the deliveries that the accept transaction writes.

use domain::alert::Alert;
use domain::configuration::Configuration;
use domain::event::{Event, Routing};
use domain::event_set::NotifyBy;
use domain::matching::{Facts, Plan, route};
use domain::{DeliveryId, Severity, Timestamp};
use rand::Rng;
use store::{Accepted, NewDelivery, NewGroup};

use alertwire_catalogue::{Catalogue, Kind};
use delivery::group::GroupKey;

/// What a message's events have in common on their way to their deliveries.
pub(crate) struct Planner<'a> {
    pub catalogue: &'a Catalogue,
    pub configuration: &'a Configuration,
    pub now: Timestamp,
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
        let deliveries = if verdict.routing == Routing::Routed {
            verdict
                .plans
                .iter()
                .filter_map(|plan| self.delivery(plan, &event, fields, rng))
                .collect()
        } else {
            Vec::new()
        };
        Accepted {
            event,
            deliveries,
            dedup_window: self.dedup_window,
        }
    }

    fn delivery(
        &self,
        plan: &Plan,
        event: &Event,
        fields: Option<&str>,
        rng: &mut impl Rng,
    ) -> Option<NewDelivery> {
        let integration = self.configuration.integration(plan.integration)?;
        let window = integration.delivery.group_window;
        let critical = event.severity == Severity::Critical;
        let joins = plan.notify_by != NotifyBy::Event
            && !window.is_zero()
            && !(critical && plan.critical_bypass);
        let group = if joins { self.group(plan, event) } else { None };
        let (due_at, alert) = match &group {
            Some(_) => (self.now.after(window), None),
            None => {
                let first_wait = integration
                    .delivery
                    .schedule
                    .waits()
                    .first()
                    .copied()
                    .unwrap_or_default();
                (
                    self.now.after(first_wait),
                    Some(Alert::of_event(event, fields, self.configuration)),
                )
            }
        };
        Some(NewDelivery {
            id: DeliveryId::new(self.now, rng),
            integration: plan.integration,
            rule: plan.rule,
            company: event.company?,
            critical,
            due_at,
            group,
            alert,
        })
    }

    /// The group of an event; none when its records do not share one key, or when a field that makes the key is in doubt.
    fn group(&self, plan: &Plan, event: &Event) -> Option<NewGroup> {
        let (kind, company) = (event.kind.as_deref()?, event.company?);
        let entry = self.catalogue.kind(kind)?;
        let shared = match plan.notify_by {
            NotifyBy::Event => return None,
            NotifyBy::Company => None,
            NotifyBy::Asset => Some(shared_key(event, |record| Kind::asset_key(entry, record))?),
            NotifyBy::Product => Some(shared_key(event, |record| {
                Kind::product_key(entry, record)
            })?),
        };
        let key = GroupKey::new(
            plan.integration,
            plan.rule,
            kind,
            company,
            plan.notify_by,
            shared.as_deref(),
        );
        Some(NewGroup {
            key: key.to_string(),
            records: u32::try_from(event.reading.records.len().max(1)).unwrap_or(u32::MAX),
            bytes: u32::try_from(event.body.len()).unwrap_or(u32::MAX),
        })
    }
}

fn shared_key(
    event: &Event,
    key: impl Fn(&alertwire_catalogue::Record) -> Option<String>,
) -> Option<String> {
    if !event.reading.ambiguous.is_empty() {
        return None;
    }
    let mut keys = event.reading.records.iter().map(key);
    let first = keys.next()??;
    keys.all(|key| key.as_ref() == Some(&first))
        .then_some(first)
}

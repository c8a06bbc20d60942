//! From a verdict to the deliveries that it asks for: the same when an event comes in and when it is let go later.

use domain::alert::{Alert, fields_of};
use domain::catalogue::{Kind, Record};
use domain::configuration::Configuration;
use domain::event::{Event, Reason, Routing};
use domain::event_set::NotifyBy;
use domain::matching::{Facts, Plan, Verdict, route};
use domain::{CompanyId, DeliveryId, IntegrationId, RuleId, Severity, Timestamp};
use rand::Rng;

use crate::group::GroupKey;

/// One alert to be brought to one integration.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub integration: IntegrationId,
    pub rule: RuleId,
    pub company: CompanyId,
    pub critical: bool,
    pub due_at: Timestamp,
    /// Present when it may be joined with others; then `due_at` is the end of the window.
    pub group: Option<NewGroup>,
    /// Present when it goes alone: sealed at once.
    pub alert: Option<Alert>,
}

/// What joining must know of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Equal for events that may share an alert; it names the integration too.
    pub key: String,
    pub records: u32,
    pub bytes: u32,
    /// When it asks to join: a window that is over by then is not joined.
    pub asked_at: Timestamp,
}

/// What events have in common on their way to their deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    pub configuration: &'a Configuration,
    /// What due times are counted from.
    pub now: Timestamp,
    /// What ids and silences go by.
    pub stamp: Timestamp,
}

/// Where an event that came earlier goes by today's rules. Loops and events of no company stay where they are, as when new.
/// Of silences those count that hold now: one that is over keeps nothing back any more.
#[must_use]
pub fn verdict_of_today(event: &Event, configuration: &Configuration, now: Timestamp) -> Verdict {
    let as_of_now = Facts {
        received_at: now,
        ..Facts::of(event)
    };
    let mut verdict = route(&Facts::of(event), configuration);
    if verdict.silence.is_some() {
        return route(&as_of_now, configuration);
    }
    if verdict.routing == Routing::Routed
        && let Some(silence) = configuration.muting(&as_of_now)
    {
        verdict = Verdict {
            routing: Routing::Unrouted(Reason::Silenced),
            plans: Vec::new(),
            silence: Some(silence.id),
        };
    }
    verdict
}

impl Planner<'_> {
    /// The deliveries that an event would get if it came in now; none when it would go nowhere.
    pub fn release(&self, event: &Event, rng: &mut impl Rng) -> Option<Vec<NewDelivery>> {
        let verdict = verdict_of_today(event, self.configuration, self.stamp);
        if verdict.routing != Routing::Routed {
            return None;
        }
        let fields = fields_of(event, self.configuration.catalogue());
        Some(self.deliveries(&verdict, event, fields.as_deref(), rng))
    }

    /// The deliveries of a verdict. `fields` is the `alertwire-fields` value of the event's rendering, if any.
    pub fn deliveries(
        &self,
        verdict: &Verdict,
        event: &Event,
        fields: Option<&str>,
        rng: &mut impl Rng,
    ) -> Vec<NewDelivery> {
        verdict
            .plans
            .iter()
            .filter_map(|plan| self.delivery(plan, event, fields, rng))
            .collect()
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
            id: DeliveryId::new(self.stamp, rng),
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
        let entry = self.configuration.catalogue().kind(kind)?;
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
            asked_at: self.now,
        })
    }
}

fn shared_key(event: &Event, key: impl Fn(&Record) -> Option<String>) -> Option<String> {
    if !event.reading.ambiguous.is_empty() {
        return None;
    }
    let mut keys = event.reading.records.iter().map(key);
    let first = keys.next()??;
    keys.all(|key| key.as_ref() == Some(&first))
        .then_some(first)
}

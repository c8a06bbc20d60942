//! The entries of a change: each names what it changes of a known thing, or says all of a new one.

use std::collections::HashMap;

use domain::{EventSetId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::event_set::create::EventSetForm;
use crate::api::fields::Fields;
use crate::api::rule::create::RuleForm;
use crate::api::silence::create::SilenceForm;
use crate::api::silence::update::SilencePatch;
use crate::read::form::or_null;

/// An entry with the `id` of a thing changes what it names of that; one without is a new thing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeForm {
    #[serde(default)]
    pub(super) remove: RemoveForm,
    #[serde(default)]
    pub(super) event_sets: Vec<EventSetEntry>,
    #[serde(default)]
    pub(super) rules: Vec<RuleEntry>,
    #[serde(default)]
    pub(super) mappings: Vec<MappingEntry>,
    #[serde(default)]
    pub(super) silences: Vec<SilenceEntry>,
}

/// Ids of what is taken away, before anything else.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveForm {
    #[serde(default)]
    pub(super) integrations: Vec<String>,
    #[serde(default)]
    pub(super) event_sets: Vec<String>,
    #[serde(default)]
    pub(super) rules: Vec<String>,
    #[serde(default)]
    pub(super) mappings: Vec<MappingKey>,
    #[serde(default)]
    pub(super) silences: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingKey {
    pub(super) integration_id: String,
    /// Id or name of a company, or `all`.
    pub(super) company: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventSetEntry {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) notify_by: Option<String>,
    pub(super) events: Option<Vec<String>>,
    pub(super) critical_bypass: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    pub(super) id: Option<String>,
    /// Of a new rule.
    pub(super) integration_id: Option<String>,
    pub(super) name: Option<String>,
    /// An id, or the name of an event set that the same change makes.
    pub(super) event_set_id: Option<String>,
    pub(super) matchers: Option<Vec<String>>,
    pub(super) enabled: Option<bool>,
}

/// Of an integration and a company there is one mapping: it is changed when it is there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingEntry {
    pub(super) integration_id: String,
    /// Id or name of a company, or `all`.
    pub(super) company: String,
    /// Ids, or names of rules that the same change makes for this integration.
    pub(super) rules: Option<Vec<String>>,
    pub(super) create_webhook_alert: Option<bool>,
}

/// One with an `id` holds when it would. A new one is tried on all events, as if it had held all the time; a maintenance window
/// on those that came in its hours.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceEntry {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) companies: Option<Vec<String>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) from: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) until: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    pub(super) repeat: Option<Option<String>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) repeat_until: Option<Option<Timestamp>>,
    pub(super) reason: Option<String>,
}

/// What is said of a field that only a known thing may leave out.
pub(super) const NEEDED: &str = "is missing; a new one needs it";

/// The value that is given, else that of the stored thing.
fn needed<T>(fields: &mut Fields, pointer: &str, given: Option<T>, stored: Option<T>) -> Option<T> {
    let value = given.or(stored);
    if value.is_none() {
        fields.error(pointer, NEEDED);
    }
    value
}

impl EventSetEntry {
    pub(super) fn over(
        self,
        stored: Option<EventSetForm>,
        fields: &mut Fields,
    ) -> Option<EventSetForm> {
        let (name, events, notify_by, bypass) = match stored {
            Some(stored) => (
                Some(stored.name),
                Some(stored.events),
                stored.notify_by,
                stored.critical_bypass,
            ),
            None => (None, None, None, false),
        };
        let name = needed(fields, "/name", self.name, name);
        let events = needed(fields, "/events", self.events, events);
        Some(EventSetForm {
            name: name?,
            notify_by: self.notify_by.or(notify_by),
            events: events?,
            critical_bypass: self.critical_bypass.unwrap_or(bypass),
        })
    }
}

impl RuleEntry {
    pub(super) fn over(
        self,
        stored: Option<RuleForm>,
        fields: &mut Fields,
        new_sets: &HashMap<String, EventSetId>,
    ) -> Option<RuleForm> {
        let (name, set, matchers, enabled) = match stored {
            Some(stored) => (
                Some(stored.name),
                Some(stored.event_set_id),
                stored.matchers,
                stored.enabled,
            ),
            None => (None, None, Vec::new(), true),
        };
        let given = self.event_set_id.map(|text| match new_sets.get(&text) {
            Some(id) => id.to_string(),
            None => text,
        });
        let name = needed(fields, "/name", self.name, name);
        let set = needed(fields, "/event_set_id", given, set);
        Some(RuleForm {
            name: name?,
            event_set_id: set?,
            matchers: self.matchers.unwrap_or(matchers),
            enabled: self.enabled.unwrap_or(enabled),
        })
    }
}

impl SilenceEntry {
    pub(super) fn patch(self) -> SilencePatch {
        SilencePatch {
            name: self.name,
            filter: self.filter,
            companies: self.companies,
            from: self.from,
            until: self.until,
            repeat: self.repeat,
            repeat_until: self.repeat_until,
            reason: self.reason,
        }
    }
}

/// A silence that is tried needs no name and no reason.
pub(super) fn new_silence(patch: SilencePatch, fields: &mut Fields) -> Option<SilenceForm> {
    let filter = needed(fields, "/filter", patch.filter, None);
    let until = needed(fields, "/until", patch.until, None);
    Some(SilenceForm {
        name: patch.name.unwrap_or_else(|| "What if".to_owned()),
        filter: filter?,
        companies: patch.companies.unwrap_or_default(),
        from: patch.from,
        until: until?,
        repeat: patch.repeat.flatten(),
        repeat_until: patch.repeat_until.flatten(),
        reason: patch.reason.unwrap_or_else(|| "What if".to_owned()),
    })
}

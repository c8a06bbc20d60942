//! The change of a what-if: things as their endpoints take them, put into a snapshot instead of the store.

use std::collections::HashMap;
use std::sync::Arc;

use domain::configuration::{Configuration, Delta, Parts, Removed};
use domain::integration::Integration;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::silence::Window;
use domain::{EventSetId, IntegrationId, RuleId, SilenceId, Timestamp};

use super::entries::{
    ChangeForm, EventSetEntry, MappingEntry, MappingKey, NEEDED, RemoveForm, RuleEntry,
    SilenceEntry, new_silence,
};
use crate::App;
use crate::api::fields::Fields;
use crate::api::mapping::read_rules;
use crate::api::silence::create::Origin;
use crate::api::{integration, silence};
use crate::read::Caller;

/// Most entries of one list of a change.
const ENTRIES: usize = 1_000;

impl ChangeForm {
    /// Today's configuration with the change in it.
    pub(super) fn parse(
        self,
        fields: &mut Fields,
        app: &App,
        caller: &Caller,
        over: Window,
    ) -> Arc<Configuration> {
        let mut reader = Reader {
            app,
            fields,
            caller: caller.clone(),
            now: app.now(),
            over,
            new_sets: HashMap::new(),
            new_rules: HashMap::new(),
        };
        reader.remove(&self.remove);
        reader.event_sets(self.event_sets);
        reader.rules(self.rules);
        reader.mappings(&self.mappings);
        reader.silences(self.silences);
        reader.fields.within("");
        reader.caller.configuration
    }
}

/// Reads one list after another, each on the snapshot that the ones before have made.
struct Reader<'a> {
    app: &'a App,
    fields: &'a mut Fields,
    /// Looks at the snapshot as far as it is changed.
    caller: Caller,
    now: Timestamp,
    over: Window,
    new_sets: HashMap<String, EventSetId>,
    new_rules: HashMap<(IntegrationId, String), RuleId>,
}

impl Reader<'_> {
    fn remove(&mut self, form: &RemoveForm) {
        let caller = self.caller.clone();
        let configuration = &caller.configuration;
        let removed = Removed {
            integrations: self.ids("integrations", &form.integrations, "integration", |id| {
                integration::find(id, &caller).is_ok()
            }),
            event_sets: self.ids("event_sets", &form.event_sets, "event set", |id| {
                configuration.event_set(id).is_some()
            }),
            rules: self.ids("rules", &form.rules, "rule", |id| is_seen(id, &caller)),
            silences: self.ids("silences", &form.silences, "silence", |id| {
                silence::find(id, &caller).is_ok()
            }),
            mappings: self.mapping_keys(&form.mappings),
            ..Removed::default()
        };
        let none = removed.integrations.is_empty()
            && removed.event_sets.is_empty()
            && removed.rules.is_empty()
            && removed.silences.is_empty()
            && removed.mappings.is_empty();
        if !none {
            self.apply(Delta {
                put: Parts::default(),
                removed,
            });
        }
    }

    fn ids<T: std::str::FromStr + Copy>(
        &mut self,
        list: &str,
        texts: &[String],
        what: &str,
        is_there: impl Fn(T) -> bool,
    ) -> Vec<T> {
        self.fields.within("/change/remove");
        let pointer = format!("/{list}");
        self.fields.at_most(&pointer, texts.len(), ENTRIES);
        let texts = texts.iter().take(ENTRIES).enumerate();
        texts
            .filter_map(|(index, text)| {
                let pointer = format!("{pointer}/{index}");
                self.fields.id(&pointer, text, what, &is_there)
            })
            .collect()
    }

    fn mapping_keys(&mut self, keys: &[MappingKey]) -> Vec<(IntegrationId, MappedTo)> {
        let mut removed = Vec::new();
        for (index, key) in self
            .bounded("/change/remove/mappings", keys)
            .iter()
            .enumerate()
        {
            self.fields
                .within(format!("/change/remove/mappings/{index}"));
            let Some(integration) = self.integration(&key.integration_id) else {
                continue;
            };
            let Some(company) = self.company(&key.company) else {
                continue;
            };
            match self.mapping(integration.id, company) {
                Some(_) => removed.push((integration.id, company)),
                None => self.fields.error("", "there is no such mapping"),
            }
        }
        removed
    }

    fn event_sets(&mut self, entries: Vec<EventSetEntry>) {
        let mut sets = Vec::new();
        self.bounded("/change/event_sets", &entries);
        for (index, entry) in entries.into_iter().take(ENTRIES).enumerate() {
            self.fields.within(format!("/change/event_sets/{index}"));
            let configuration = Arc::clone(&self.caller.configuration);
            let Some(stored) = self.stored(entry.id.as_deref(), "event set", |id| {
                configuration.event_set(id)
            }) else {
                continue;
            };
            let known = stored.map(|stored| (stored.id, stored.created_at));
            let form = entry.over(stored.map(|stored| (&**stored).into()), self.fields);
            let fresh = known.is_none();
            let known = known.unwrap_or_else(|| (self.app.fresh(EventSetId::new), self.now));
            let kept = stored.map_or(&[][..], |stored| &stored.events);
            let catalogue = configuration.catalogue();
            let set = form.and_then(|form| form.parse(self.fields, known, catalogue, kept));
            if let Some(set) = &set
                && fresh
            {
                self.new_sets.insert(set.name.clone(), set.id);
            }
            sets.extend(set);
        }
        self.put(!sets.is_empty(), || Parts {
            event_sets: sets,
            ..Parts::default()
        });
    }

    fn rules(&mut self, entries: Vec<RuleEntry>) {
        let mut rules = Vec::new();
        self.bounded("/change/rules", &entries);
        for (index, entry) in entries.into_iter().take(ENTRIES).enumerate() {
            self.fields.within(format!("/change/rules/{index}"));
            let caller = self.caller.clone();
            let configuration = &caller.configuration;
            let Some(stored) = self.stored(entry.id.as_deref(), "rule", |id| {
                configuration.rule(id).filter(|_| is_seen(id, &caller))
            }) else {
                continue;
            };
            let integration = self.integration_of(stored.map(|rule| rule.integration), &entry);
            let known = stored.map(|rule| (rule.id, rule.created_at));
            let form = entry.over(
                stored.map(|rule| (&**rule).into()),
                self.fields,
                &self.new_sets,
            );
            let (Some(integration), Some(form)) = (integration, form) else {
                continue;
            };
            let fresh = known.is_none();
            let known = known.unwrap_or_else(|| (self.app.fresh(RuleId::new), self.now));
            let rule = form.parse(self.fields, known, integration, configuration);
            if let Some(rule) = &rule
                && fresh
            {
                self.new_rules
                    .insert((integration, rule.name.clone()), rule.id);
            }
            rules.extend(rule);
        }
        self.put(!rules.is_empty(), || Parts {
            rules,
            ..Parts::default()
        });
    }

    /// The integration of a rule: that of the stored one, which it keeps, or the one that a new one names.
    fn integration_of(
        &mut self,
        stored: Option<IntegrationId>,
        entry: &RuleEntry,
    ) -> Option<IntegrationId> {
        match (stored, &entry.integration_id) {
            (Some(id), None) => Some(id),
            (None, Some(text)) => self.integration(text).map(|found| found.id),
            (Some(_), Some(_)) => {
                let rule = "is of a new rule alone; a rule does not change its integration";
                self.fields.error("/integration_id", rule);
                None
            }
            (None, None) => {
                self.fields.error("/integration_id", NEEDED);
                None
            }
        }
    }

    fn mappings(&mut self, entries: &[MappingEntry]) {
        let mut mappings = Vec::new();
        for (index, entry) in self.bounded("/change/mappings", entries).iter().enumerate() {
            self.fields.within(format!("/change/mappings/{index}"));
            mappings.extend(self.mapping_of(entry));
        }
        self.put(!mappings.is_empty(), || Parts {
            mappings,
            ..Parts::default()
        });
    }

    fn mapping_of(&mut self, entry: &MappingEntry) -> Option<CompanyMapping> {
        let integration = self.integration(&entry.integration_id)?;
        let company = self.company(&entry.company)?;
        if let MappedTo::Company(id) = company
            && !integration.serves(id)
        {
            let rule = "is not among the integration's associated companies";
            self.fields.error("/company", rule);
            return None;
        }
        let stored = self.mapping(integration.id, company);
        let rules = match (&entry.rules, &stored) {
            (Some(texts), _) => {
                let texts: Vec<String> = texts
                    .iter()
                    .map(|text| {
                        let new = self.new_rules.get(&(integration.id, text.clone()));
                        new.map_or_else(|| text.clone(), RuleId::to_string)
                    })
                    .collect();
                let configuration = &self.caller.configuration;
                read_rules(self.fields, &texts, &integration, configuration)
            }
            (None, Some(stored)) => stored.rules.clone(),
            (None, None) => {
                self.fields.error("/rules", NEEDED);
                return None;
            }
        };
        let switch = stored.is_some_and(|stored| stored.create_webhook_alert);
        Some(CompanyMapping {
            integration: integration.id,
            company,
            rules,
            create_webhook_alert: entry.create_webhook_alert.unwrap_or(switch),
        })
    }

    fn silences(&mut self, entries: Vec<SilenceEntry>) {
        let mut silences = Vec::new();
        self.bounded("/change/silences", &entries);
        for (index, entry) in entries.into_iter().take(ENTRIES).enumerate() {
            self.fields.within(format!("/change/silences/{index}"));
            let caller = self.caller.clone();
            let Some(stored) = self.stored(entry.id.as_deref(), "silence", |id| {
                silence::find(id, &caller).ok()
            }) else {
                continue;
            };
            let form = match stored {
                Some(stored) => Some(entry.patch().over((&**stored).into())),
                None => new_silence(entry.patch(), self.fields),
            };
            let origin = Origin {
                id: stored.map_or_else(|| self.app.fresh(SilenceId::new), |stored| stored.id),
                author: stored.map_or_else(|| caller.actor(), |stored| stored.author.clone()),
                created_at: stored.map_or(self.now, |stored| stored.created_at),
            };
            let parsed = form.and_then(|form| form.parse(self.fields, origin, &caller, self.now));
            silences.extend(parsed.map(|mut silence| match stored {
                Some(stored) => {
                    silence.ended_at = stored.ended_at;
                    silence
                }
                None => silence.rehearsed(self.over),
            }));
        }
        self.put(!silences.is_empty(), || Parts {
            silences,
            ..Parts::default()
        });
    }

    /// The thing that an entry changes: none when it is a new one, and nothing at all when there is no such thing.
    fn stored<T: std::str::FromStr + Copy, S>(
        &mut self,
        id: Option<&str>,
        what: &str,
        find: impl Fn(T) -> Option<S>,
    ) -> Option<Option<S>> {
        let Some(text) = id else {
            return Some(None);
        };
        let id = self.fields.id("/id", text, what, |id| find(id).is_some())?;
        Some(find(id))
    }

    fn integration(&mut self, text: &str) -> Option<Arc<Integration>> {
        let caller = self.caller.clone();
        let id = self
            .fields
            .id("/integration_id", text, "integration", |id| {
                integration::find(id, &caller).is_ok()
            })?;
        integration::find(id, &caller).ok().cloned()
    }

    fn company(&mut self, text: &str) -> Option<MappedTo> {
        if text == "all" {
            return Some(MappedTo::All);
        }
        let company = self.fields.company("/company", text, &self.caller);
        company.map(MappedTo::Company)
    }

    fn mapping(&self, integration: IntegrationId, company: MappedTo) -> Option<CompanyMapping> {
        let configuration = &self.caller.configuration;
        let is_it = |mapping: &&CompanyMapping| {
            mapping.integration == integration && mapping.company == company
        };
        match company {
            MappedTo::Company(id) => configuration.mappings_for(id).find(is_it).cloned(),
            MappedTo::All => configuration.mappings().find(is_it).cloned(),
        }
    }

    /// The entries of a list, as many as there may be.
    fn bounded<'e, T>(&mut self, list: &str, entries: &'e [T]) -> &'e [T] {
        self.fields.within("");
        self.fields.at_most(list, entries.len(), ENTRIES);
        &entries[..entries.len().min(ENTRIES)]
    }

    fn put(&mut self, some: bool, parts: impl FnOnce() -> Parts) {
        if some {
            self.apply(Delta {
                put: parts(),
                removed: Removed::default(),
            });
        }
    }

    fn apply(&mut self, delta: Delta) {
        let configuration = &self.caller.configuration;
        let put = Parts {
            epoch: configuration.epoch,
            instance: configuration.instance.clone(),
            ..delta.put
        };
        self.caller.configuration = Arc::new(configuration.changed(Delta { put, ..delta }));
    }
}

fn is_seen(id: RuleId, caller: &Caller) -> bool {
    let rule = caller.configuration.rule(id);
    rule.is_some_and(|rule| integration::find(rule.integration, caller).is_ok())
}

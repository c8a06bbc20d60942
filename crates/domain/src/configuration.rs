//! The configuration as one immutable snapshot of one epoch. Nodes match on it; changing anything makes a new one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::access::ApiKey;
use crate::catalogue::{Catalogue, Diagnostic};
use crate::company::{Company, name_key};
use crate::event_kind::EventKind;
use crate::event_set::EventSet;
use crate::integration::Integration;
use crate::mapping::{CompanyMapping, MappedTo};
use crate::matching::Facts;
use crate::rule::IntegrationRule;
use crate::silence::Silence;
use crate::silence::shelves::Silences;
use crate::source::Source;
use crate::user::User;
use crate::{
    CompanyId, EventKindId, EventSetId, IntegrationId, KeyId, RuleId, SilenceId, SourceId, UserId,
};

/// What the store reads in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    pub epoch: u64,
    /// Names this installation in `alertwire-via`.
    pub instance: String,
    pub companies: Vec<Company>,
    pub sources: Vec<Source>,
    pub integrations: Vec<Integration>,
    pub event_kinds: Vec<EventKind>,
    pub event_sets: Vec<EventSet>,
    pub rules: Vec<IntegrationRule>,
    pub mappings: Vec<CompanyMapping>,
    pub silences: Vec<Silence>,
    pub keys: Vec<ApiKey>,
    pub users: Vec<User>,
}

/// What lies between two snapshots: things put (new, or in the place of those with the same id) and things taken away.
#[derive(Debug, Clone, Default)]
pub struct Delta {
    /// Its epoch is the new snapshot's.
    pub put: Parts,
    pub removed: Removed,
}

/// Things taken away; one that is not there is no fault.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    pub companies: Vec<CompanyId>,
    pub sources: Vec<SourceId>,
    pub integrations: Vec<IntegrationId>,
    pub event_kinds: Vec<EventKindId>,
    pub event_sets: Vec<EventSetId>,
    pub rules: Vec<RuleId>,
    pub mappings: Vec<(IntegrationId, MappedTo)>,
    pub silences: Vec<SilenceId>,
    pub keys: Vec<KeyId>,
    pub users: Vec<UserId>,
}

/// Things by what they are known by. Snapshots share a shelf until one of them changes it.
type Shelf<K, T> = Arc<HashMap<K, T>>;

/// Mappings of a company, or of all.
type Mappings = Arc<Vec<Arc<CompanyMapping>>>;

/// A snapshot with the indexes that matching asks. A clone shares everything.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub epoch: u64,
    pub instance: String,
    /// What the node was started with: the built-in kinds and those of its files.
    base: Arc<Catalogue>,
    catalogue: Arc<Catalogue>,
    event_kinds: Shelf<EventKindId, Arc<EventKind>>,
    /// Why entries of `event_kinds` are not part of the catalogue.
    left_out: Arc<Vec<Diagnostic>>,
    companies: Shelf<CompanyId, Arc<Company>>,
    company_names: Shelf<String, CompanyId>,
    sources: Shelf<SourceId, Arc<Source>>,
    integrations: Shelf<IntegrationId, Arc<Integration>>,
    event_sets: Shelf<EventSetId, Arc<EventSet>>,
    rules: Shelf<RuleId, Arc<IntegrationRule>>,
    of_company: Shelf<CompanyId, Mappings>,
    of_all: Mappings,
    silences: Arc<Silences>,
    keys: Shelf<[u8; 32], Arc<ApiKey>>,
    users: Shelf<UserId, Arc<User>>,
}

fn put_all<K: std::hash::Hash + Eq + Clone, T>(
    shelf: &mut Shelf<K, Arc<T>>,
    things: Vec<T>,
    id: impl Fn(&T) -> K,
) {
    if !things.is_empty() {
        Arc::make_mut(shelf).extend(
            things
                .into_iter()
                .map(|thing| (id(&thing), Arc::new(thing))),
        );
    }
}

fn remove_all<K: std::hash::Hash + Eq + Clone, T: Clone>(shelf: &mut Shelf<K, T>, ids: &[K]) {
    if !ids.is_empty() {
        let shelf = Arc::make_mut(shelf);
        for id in ids {
            shelf.remove(id);
        }
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self::on(Catalogue::builtin())
    }
}

impl Configuration {
    /// Nothing set up yet, on the catalogue that the node was started with.
    #[must_use]
    pub fn on(base: Arc<Catalogue>) -> Self {
        Self {
            epoch: 0,
            instance: String::new(),
            catalogue: Arc::clone(&base),
            base,
            event_kinds: Shelf::default(),
            left_out: Arc::default(),
            companies: Shelf::default(),
            company_names: Shelf::default(),
            sources: Shelf::default(),
            integrations: Shelf::default(),
            event_sets: Shelf::default(),
            rules: Shelf::default(),
            of_company: Shelf::default(),
            of_all: Mappings::default(),
            silences: Arc::default(),
            keys: Shelf::default(),
            users: Shelf::default(),
        }
    }

    /// These parts on the built-in catalogue.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self::default().with(parts)
    }

    /// The snapshot with these parts put.
    #[must_use]
    pub fn with(&self, parts: Parts) -> Self {
        self.changed(Delta {
            put: parts,
            removed: Removed::default(),
        })
    }

    /// The snapshot that this one becomes. What is removed goes first, so a thing that is in both is there.
    #[must_use]
    pub fn changed(&self, delta: Delta) -> Self {
        let mut next = self.clone();
        let Delta { put, removed } = delta;
        let renamed = !put.companies.is_empty() || !removed.companies.is_empty();
        let reworded = !put.event_kinds.is_empty() || !removed.event_kinds.is_empty();
        next.take_away(&removed);
        next.epoch = put.epoch;
        next.instance = put.instance;
        put_all(&mut next.companies, put.companies, |company| company.id);
        put_all(&mut next.sources, put.sources, |source| source.id);
        put_all(&mut next.integrations, put.integrations, |found| found.id);
        put_all(&mut next.event_kinds, put.event_kinds, |kind| kind.id);
        put_all(&mut next.event_sets, put.event_sets, |set| set.id);
        put_all(&mut next.rules, put.rules, |rule| rule.id);
        // A key that is put again may have another digest.
        next.remove_keys(&put.keys.iter().map(|key| key.id).collect::<Vec<_>>());
        put_all(&mut next.keys, put.keys, |key| key.digest);
        put_all(&mut next.users, put.users, |user| user.id);
        put.mappings
            .into_iter()
            .for_each(|mapping| next.put_mapping(mapping));
        if !put.silences.is_empty() || !removed.silences.is_empty() {
            next.silences = Arc::new(next.silences.changed(put.silences, &removed.silences));
        }
        if renamed {
            next.company_names = Arc::new(names(next.companies.values()));
        }
        if reworded {
            next.extend_catalogue();
        }
        next
    }

    fn take_away(&mut self, removed: &Removed) {
        remove_all(&mut self.companies, &removed.companies);
        remove_all(&mut self.sources, &removed.sources);
        remove_all(&mut self.integrations, &removed.integrations);
        remove_all(&mut self.event_kinds, &removed.event_kinds);
        remove_all(&mut self.event_sets, &removed.event_sets);
        remove_all(&mut self.rules, &removed.rules);
        self.remove_keys(&removed.keys);
        remove_all(&mut self.users, &removed.users);
        for (integration, company) in &removed.mappings {
            let mappings = match company {
                MappedTo::Company(company) => Arc::make_mut(&mut self.of_company).get_mut(company),
                MappedTo::All => Some(&mut self.of_all),
            };
            if let Some(mappings) = mappings {
                Arc::make_mut(mappings).retain(|mapping| mapping.integration != *integration);
            }
        }
    }

    /// The catalogue of all entries, in the order of their making. One that does not fit any more, perhaps since the
    /// program was changed, is left out: alerts of its kind are kept unrecognised meanwhile.
    fn extend_catalogue(&mut self) {
        let mut entries: Vec<_> = self.event_kinds.values().cloned().collect();
        entries.sort_unstable_by_key(|entry| entry.id);
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| (entry.name(), entry.file.as_str()))
            .collect();
        let entries: Vec<_> = entries
            .iter()
            .map(|(name, file)| (name.as_str(), *file))
            .collect();
        let (catalogue, left_out) = self.base.extended(&entries);
        self.catalogue = Arc::new(catalogue);
        self.left_out = Arc::new(left_out);
    }

    fn remove_keys(&mut self, ids: &[KeyId]) {
        if !ids.is_empty() {
            Arc::make_mut(&mut self.keys).retain(|_, key| !ids.contains(&key.id));
        }
    }

    fn put_mapping(&mut self, mapping: CompanyMapping) {
        let mappings = match mapping.company {
            MappedTo::Company(company) => Arc::make_mut(&mut self.of_company)
                .entry(company)
                .or_default(),
            MappedTo::All => &mut self.of_all,
        };
        let mappings = Arc::make_mut(mappings);
        let place = mappings
            .iter()
            .position(|known| known.integration == mapping.integration);
        let mapping = Arc::new(mapping);
        match place {
            Some(place) => mappings[place] = mapping,
            None => mappings.push(mapping),
        }
    }

    /// The catalogue in force: what the node was started with, extended by the entries of the user.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// What the entries extend.
    #[must_use]
    pub fn base_catalogue(&self) -> &Arc<Catalogue> {
        &self.base
    }

    /// Why entries are not part of the catalogue; the file of a finding is [`EventKind::name`].
    #[must_use]
    pub fn left_out(&self) -> &[Diagnostic] {
        &self.left_out
    }

    #[must_use]
    pub fn event_kind(&self, id: EventKindId) -> Option<&Arc<EventKind>> {
        self.event_kinds.get(&id)
    }

    /// The entries that extend the catalogue.
    pub fn event_kinds(&self) -> impl Iterator<Item = &Arc<EventKind>> {
        self.event_kinds.values()
    }

    #[must_use]
    pub fn company(&self, id: CompanyId) -> Option<&Arc<Company>> {
        self.companies.get(&id)
    }

    /// The company of this name or alias, compared without regard to case.
    #[must_use]
    pub fn company_named(&self, name: &str) -> Option<&Arc<Company>> {
        self.companies.get(self.company_names.get(&name_key(name))?)
    }

    #[must_use]
    pub fn source(&self, id: SourceId) -> Option<&Arc<Source>> {
        self.sources.get(&id)
    }

    #[must_use]
    pub fn integration(&self, id: IntegrationId) -> Option<&Arc<Integration>> {
        self.integrations.get(&id)
    }

    #[must_use]
    pub fn event_set(&self, id: EventSetId) -> Option<&Arc<EventSet>> {
        self.event_sets.get(&id)
    }

    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Arc<IntegrationRule>> {
        self.rules.get(&id)
    }

    #[must_use]
    pub fn silence(&self, id: SilenceId) -> Option<&Arc<Silence>> {
        self.silences.get(id)
    }

    /// A silence that mutes an event of these facts.
    #[must_use]
    pub fn muting(&self, facts: &Facts<'_>) -> Option<&Arc<Silence>> {
        self.silences.muting(facts, self)
    }

    /// The key with this keyed digest.
    #[must_use]
    pub fn key(&self, digest: &[u8; 32]) -> Option<&Arc<ApiKey>> {
        self.keys.get(digest)
    }

    pub fn companies(&self) -> impl Iterator<Item = &Arc<Company>> {
        self.companies.values()
    }

    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.sources.values()
    }

    pub fn integrations(&self) -> impl Iterator<Item = &Arc<Integration>> {
        self.integrations.values()
    }

    pub fn event_sets(&self) -> impl Iterator<Item = &Arc<EventSet>> {
        self.event_sets.values()
    }

    pub fn rules(&self) -> impl Iterator<Item = &Arc<IntegrationRule>> {
        self.rules.values()
    }

    /// All silences, the oldest first.
    pub fn silences(&self) -> impl Iterator<Item = &Arc<Silence>> {
        self.silences.iter()
    }

    pub fn keys(&self) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys.values()
    }

    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&Arc<User>> {
        self.users.get(&id)
    }

    /// The user of this login name. Users are few, and whoever signs in waits for a password's hash anyway.
    #[must_use]
    pub fn user_named(&self, name: &str) -> Option<&Arc<User>> {
        let wanted = name_key(name);
        self.users
            .values()
            .find(|user| name_key(&user.name) == wanted)
    }

    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// The mapping of an integration for a company, or for all.
    #[must_use]
    pub fn mapping(&self, integration: IntegrationId, of: MappedTo) -> Option<&CompanyMapping> {
        let mappings = match of {
            MappedTo::Company(company) => self.of_company.get(&company)?,
            MappedTo::All => &self.of_all,
        };
        let found = mappings
            .iter()
            .find(|mapping| mapping.integration == integration);
        found.map(|mapping| &**mapping)
    }

    /// All mappings of one integration, the one of all companies included.
    pub fn mappings_of(&self, integration: IntegrationId) -> impl Iterator<Item = &CompanyMapping> {
        self.mappings()
            .filter(move |mapping| mapping.integration == integration)
    }

    /// All mappings: those of all companies first.
    pub fn mappings(&self) -> impl Iterator<Item = &CompanyMapping> {
        self.of_all
            .iter()
            .chain(self.of_company.values().flat_map(|mappings| &**mappings))
            .map(|mapping| &**mapping)
    }

    /// The mapping of each integration that holds for a company: its own, else the one of all companies.
    pub fn mappings_for(&self, company: CompanyId) -> impl Iterator<Item = &CompanyMapping> {
        let own = self.of_company.get(&company);
        let own = own.map_or(&[][..], |mappings| mappings.as_slice());
        let general = self.of_all.iter().filter(move |all| {
            !own.iter()
                .any(|mapping| mapping.integration == all.integration)
        });
        own.iter().chain(general).map(|mapping| &**mapping)
    }

    /// Whether a mapping makes alerts of the company's events: some integration that serves it has *Create Webhook Alert* on.
    #[must_use]
    pub fn is_mapped(&self, company: CompanyId) -> bool {
        self.mappings_for(company).any(|mapping| {
            mapping.create_webhook_alert
                && self
                    .integration(mapping.integration)
                    .is_some_and(|integration| integration.serves(company))
        })
    }
}

/// Companies by name and alias. A name wins over another company's alias; of equal aliases that of the older company.
fn names<'a>(companies: impl Iterator<Item = &'a Arc<Company>>) -> HashMap<String, CompanyId> {
    let mut companies: Vec<_> = companies.collect();
    companies.sort_unstable_by_key(|company| company.id);
    let mut names = HashMap::with_capacity(companies.len());
    for company in &companies {
        for alias in &company.aliases {
            names.entry(name_key(alias)).or_insert(company.id);
        }
    }
    names.extend(
        companies
            .iter()
            .map(|company| (name_key(&company.name), company.id)),
    );
    names
}

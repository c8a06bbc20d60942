//! The configuration as one immutable snapshot of one epoch. Nodes match on it; changing anything makes a new one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::access::ApiKey;
use crate::company::{Company, name_key};
use crate::event_set::EventSet;
use crate::integration::Integration;
use crate::mapping::{CompanyMapping, MappedTo};
use crate::rule::IntegrationRule;
use crate::source::Source;
use crate::{CompanyId, EventSetId, IntegrationId, RuleId, SourceId};

/// What the store reads in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    pub epoch: u64,
    /// Names this installation in `alertwire-via`.
    pub instance: String,
    pub companies: Vec<Company>,
    pub sources: Vec<Source>,
    pub integrations: Vec<Integration>,
    pub event_sets: Vec<EventSet>,
    pub rules: Vec<IntegrationRule>,
    pub mappings: Vec<CompanyMapping>,
    pub keys: Vec<ApiKey>,
}

/// A snapshot with the indexes that matching asks.
#[derive(Debug, Default)]
pub struct Configuration {
    pub epoch: u64,
    pub instance: String,
    companies: HashMap<CompanyId, Arc<Company>>,
    company_names: HashMap<String, CompanyId>,
    sources: HashMap<SourceId, Arc<Source>>,
    integrations: HashMap<IntegrationId, Arc<Integration>>,
    event_sets: HashMap<EventSetId, Arc<EventSet>>,
    rules: HashMap<RuleId, Arc<IntegrationRule>>,
    of_company: HashMap<CompanyId, Vec<CompanyMapping>>,
    of_all: Vec<CompanyMapping>,
    keys: HashMap<[u8; 32], Arc<ApiKey>>,
}

fn by_id<K: std::hash::Hash + Eq, T>(things: Vec<T>, id: impl Fn(&T) -> K) -> HashMap<K, Arc<T>> {
    things
        .into_iter()
        .map(|thing| (id(&thing), Arc::new(thing)))
        .collect()
}

impl Configuration {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let mut names = HashMap::with_capacity(parts.companies.len());
        for company in &parts.companies {
            for name in std::iter::once(&company.name).chain(&company.aliases) {
                names.entry(name_key(name)).or_insert(company.id);
            }
        }
        // A name wins over another company's alias, whichever came first.
        names.extend(
            parts
                .companies
                .iter()
                .map(|company| (name_key(&company.name), company.id)),
        );
        let mut of_company: HashMap<CompanyId, Vec<CompanyMapping>> = HashMap::new();
        let mut of_all = Vec::new();
        for mapping in parts.mappings {
            match mapping.company {
                MappedTo::Company(company) => of_company.entry(company).or_default().push(mapping),
                MappedTo::All => of_all.push(mapping),
            }
        }
        Self {
            epoch: parts.epoch,
            instance: parts.instance,
            companies: by_id(parts.companies, |company| company.id),
            company_names: names,
            sources: by_id(parts.sources, |source| source.id),
            integrations: by_id(parts.integrations, |integration| integration.id),
            event_sets: by_id(parts.event_sets, |set| set.id),
            rules: by_id(parts.rules, |rule| rule.id),
            of_company,
            of_all,
            keys: by_id(parts.keys, |key| key.digest),
        }
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

    pub fn keys(&self) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys.values()
    }

    /// All mappings of one integration, the one of all companies included.
    pub fn mappings_of(&self, integration: IntegrationId) -> impl Iterator<Item = &CompanyMapping> {
        self.of_all
            .iter()
            .chain(self.of_company.values().flatten())
            .filter(move |mapping| mapping.integration == integration)
    }

    /// The mapping of each integration that holds for a company: its own, else the one of all companies.
    pub fn mappings_for(&self, company: CompanyId) -> impl Iterator<Item = &CompanyMapping> {
        let own = self.of_company.get(&company).map_or(&[][..], Vec::as_slice);
        let general = self.of_all.iter().filter(move |all| {
            !own.iter()
                .any(|mapping| mapping.integration == all.integration)
        });
        own.iter().chain(general)
    }
}

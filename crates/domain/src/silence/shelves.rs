//! The silences of a snapshot, put where an event looks for them: by company, by kind, and those that end last in front.
//! So an event asks neither those that have ended nor most of those that are about something else.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Silence;
use crate::configuration::Configuration;
use crate::matching::Facts;
use crate::{CompanyId, SilenceId, Timestamp};

/// A silence of more companies stands with those of all: a place with each company would cost more than asking it.
const OF_COMPANIES: usize = 16;

#[derive(Debug, Clone, Default)]
pub(crate) struct Silences {
    all: BTreeMap<SilenceId, Arc<Silence>>,
    of_company: HashMap<CompanyId, Shelf>,
    of_all: Shelf,
}

#[derive(Debug, Clone, Default)]
struct Shelf {
    /// Those whose filter asks for one kind, by its code in lower case.
    of_kind: HashMap<String, Vec<Entry>>,
    others: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    ends: Timestamp,
    silence: Arc<Silence>,
}

impl Silences {
    /// These, after some were taken away and some were put.
    pub(crate) fn changed(&self, put: Vec<Silence>, removed: &[SilenceId]) -> Self {
        let mut all = self.all.clone();
        for id in removed {
            all.remove(id);
        }
        all.extend(
            put.into_iter()
                .map(|silence| (silence.id, Arc::new(silence))),
        );
        let mut next = Self {
            all,
            ..Self::default()
        };
        let mut entries: Vec<Entry> = next.all.values().map(Entry::new).collect();
        entries.sort_by_key(|entry| Reverse(entry.ends));
        for entry in entries {
            next.place(entry);
        }
        next
    }

    fn place(&mut self, entry: Entry) {
        let companies = &entry.silence.companies;
        if companies.is_empty() || companies.len() > OF_COMPANIES {
            self.of_all.place(entry);
            return;
        }
        for company in companies {
            self.of_company
                .entry(*company)
                .or_default()
                .place(entry.clone());
        }
    }

    pub(crate) fn get(&self, id: SilenceId) -> Option<&Arc<Silence>> {
        self.all.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Silence>> {
        self.all.values()
    }

    /// A silence that mutes the event: one of its own company before one of all, one of its very kind before others, and
    /// among these the one that lasts longest.
    pub(crate) fn muting(
        &self,
        facts: &Facts<'_>,
        configuration: &Configuration,
    ) -> Option<&Arc<Silence>> {
        if self.all.is_empty() {
            return None;
        }
        let own = facts.company.and_then(|id| self.of_company.get(&id));
        own.into_iter()
            .chain([&self.of_all])
            .find_map(|shelf| shelf.muting(facts, configuration))
    }
}

impl Shelf {
    fn place(&mut self, entry: Entry) {
        match entry.silence.filter.only_event() {
            Some(kind) => self.of_kind.entry(kind).or_default().push(entry),
            None => self.others.push(entry),
        }
    }

    fn muting(&self, facts: &Facts<'_>, configuration: &Configuration) -> Option<&Arc<Silence>> {
        let kinds = facts
            .kind
            .into_iter()
            .chain(facts.reading.alternatives.iter().map(String::as_str))
            // Nothing is written in lower case where nothing would be found.
            .filter(|_| !self.of_kind.is_empty());
        let of_kind = kinds.filter_map(|kind| self.of_kind.get(&kind.to_ascii_lowercase()));
        let mut places = of_kind.chain([&self.others]);
        places.find_map(|entries| {
            entries
                .iter()
                .take_while(|entry| entry.ends > facts.received_at)
                .map(|entry| &entry.silence)
                .find(|silence| silence.applies(facts, configuration))
        })
    }
}

impl Entry {
    fn new(silence: &Arc<Silence>) -> Self {
        Self {
            ends: silence.ends(),
            silence: Arc::clone(silence),
        }
    }
}

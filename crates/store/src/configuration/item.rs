//! A change in the rows that both databases store.

use std::sync::Arc;

use domain::access::Actor;
use domain::event_kind::EventKind;
use domain::integration::Secrets;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::silence::Silence;
use domain::{CompanyId, Dice, IntegrationId, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Change;
use super::document::{self, IntegrationDocument, KeyDocument, SourceDocument, UserDocument};
use super::revision::Stored;
use super::told::Deed;
use crate::StoreError;
use crate::codec::{of_json, to_json};
use crate::seal::Seal;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Company,
    Source,
    Integration,
    CatalogueEntry,
    EventSet,
    Rule,
    Mapping,
    Silence,
    Key,
    User,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Company,
        Self::Source,
        Self::Integration,
        Self::CatalogueEntry,
        Self::EventSet,
        Self::Rule,
        Self::Mapping,
        Self::Silence,
        Self::Key,
        Self::User,
    ];

    /// As it is stored, and as errors and the audit log call it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Source => "source",
            Self::Integration => "integration",
            Self::CatalogueEntry => "event kind",
            Self::EventSet => "event set",
            Self::Rule => "rule",
            Self::Mapping => "mapping",
            Self::Silence => "silence",
            Self::Key => "key",
            Self::User => "user",
        }
    }

    /// Whether going back to an epoch touches it. Who may do what is no matter of configuration; and a silence is about
    /// now: going back should neither mute nor unmute anything.
    pub(crate) fn is_gone_back_on(self) -> bool {
        match self {
            Self::Company
            | Self::Source
            | Self::Integration
            | Self::CatalogueEntry
            | Self::EventSet
            | Self::Rule
            | Self::Mapping => true,
            Self::Silence | Self::Key | Self::User => false,
        }
    }

    pub(crate) fn of_noun(noun: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.noun() == noun)
    }
}

/// One thing of the configuration as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) id: [u8; 16],
    /// Names are unique within it: the integration of a rule or mapping, a silence itself, else zeros.
    pub(crate) scope: [u8; 16],
    pub(crate) name: String,
    /// The name as it is compared.
    pub(crate) name_key: String,
    pub(crate) document: String,
    /// None keeps what is stored.
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) references: Vec<Reference>,
    /// Of an integration alone: it is switched on and authenticated, which the table of owners repeats. What is for another
    /// one is parked.
    pub(crate) enabled: Option<bool>,
}

/// An item needs another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) kind: Kind,
    pub(crate) target: [u8; 16],
    /// The item goes when the target goes; otherwise the target cannot go before the item.
    pub(crate) owned: bool,
}

/// What a change does to the rows.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Insert(Item),
    /// The item must be there; [`Item::in_place_of`] makes the document that is stored.
    Update(Item),
    /// Inserts, or replaces the one with the same id.
    Put(Vec<Item>),
    /// The integration must be there; [`Edit::apply`] makes the document that is stored.
    Edit {
        id: [u8; 16],
        edit: Edit,
    },
    /// Removes the item and what it owns. Pending deliveries of an integration end as dead.
    Remove {
        kind: Kind,
        id: [u8; 16],
    },
    /// The gate of an integration admits again.
    ReleaseGate {
        id: [u8; 16],
    },
}

/// An edit of a stored integration.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Checked {
        at: Timestamp,
        ok: bool,
        report: Value,
    },
    SetEnabled(bool),
}

/// A change, ready to be written; the audit lines are made of what it finds and leaves.
#[derive(Debug, Clone)]
pub(crate) struct PreparedChange {
    pub(crate) op: Op,
    pub(crate) deed: Deed,
    /// The integration whose owner should look again.
    pub(crate) wakes: Option<IntegrationId>,
}

/// Changes that are written together, or not at all.
#[derive(Debug)]
pub(crate) struct PreparedChanges {
    pub(crate) list: Vec<PreparedChange>,
    pub(crate) seal: Arc<Seal>,
    pub(crate) at: Timestamp,
    /// The epoch that they were worked out on, where that matters.
    pub(crate) expected: Option<u64>,
}

impl PreparedChanges {
    /// The epoch that they made, unless somebody else's change came in between.
    pub(crate) fn made(&self, epoch: i64) -> Result<u64, StoreError> {
        let made = epoch.cast_unsigned();
        match self.expected {
            Some(expected) if expected.saturating_add(1) != made => Err(StoreError::Moved),
            _ => Ok(made),
        }
    }
}

impl Item {
    /// The document to be stored where `stored` stands now: an integration keeps the secrets it is not given
    /// and raises its version, and a silence that was ended meanwhile stays so.
    pub(crate) fn in_place_of(&self, stored: &str) -> Result<String, StoreError> {
        match self.kind {
            Kind::Integration => self.integration_in_place_of(stored),
            Kind::Silence => {
                let old: Silence = of_json(Kind::Silence.noun(), &self.id, stored)?;
                let mut new: Silence = of_json(Kind::Silence.noun(), &self.id, &self.document)?;
                new.ended_at = old.ended_at.or(new.ended_at);
                Ok(to_json(&new))
            }
            _ => Ok(self.document.clone()),
        }
    }

    fn integration_in_place_of(&self, stored: &str) -> Result<String, StoreError> {
        let old: IntegrationDocument = of_json(Kind::Integration.noun(), &self.id, stored)?;
        let mut new: IntegrationDocument =
            of_json(Kind::Integration.noun(), &self.id, &self.document)?;
        new.version = old.version + 1;
        if self.sealed.is_none() {
            new.secrets_set = old.secrets_set;
        }
        Ok(to_json(&new))
    }

    /// What the row is once this document stands in it.
    pub(crate) fn stored(&self, document: &str, before: Option<&Stored>) -> Stored {
        let kept = || before.and_then(|before| before.sealed.clone());
        Stored {
            kind: self.kind,
            id: self.id,
            scope: self.scope,
            name_key: self.name_key.clone(),
            document: document.to_owned(),
            sealed: self.sealed.clone().or_else(kept),
        }
    }
}

impl Edit {
    /// The document to be stored where `stored` stands now, and what becomes of [`Item::enabled`].
    pub(crate) fn apply(&self, id: &[u8; 16], stored: &str) -> Result<(String, bool), StoreError> {
        let mut document: IntegrationDocument = of_json(Kind::Integration.noun(), id, stored)?;
        match self {
            Self::Checked { at, ok, report } => {
                document.checked_at = Some(*at);
                document.authenticated_at = if *ok { Some(*at) } else { None };
                document.last_check = Some(report.clone());
            }
            Self::SetEnabled(enabled) => document.enabled = *enabled,
        }
        document.version += 1;
        Ok((to_json(&document), document.sends()))
    }
}

impl PreparedChange {
    pub(crate) fn new(
        change: Change,
        actor: &Actor,
        now: Timestamp,
        seal: &Seal,
        dice: &Dice,
    ) -> Self {
        let wakes = wakes(&change);
        let (op, action, beside) = prepare(change, seal, dice);
        let deed = Deed {
            at: now,
            actor: actor.clone(),
            action,
            beside,
        };
        Self { op, deed, wakes }
    }
}

fn wakes(change: &Change) -> Option<IntegrationId> {
    match change {
        Change::UpdateIntegration { integration, .. } => Some(integration.id),
        Change::Checked { id, .. } | Change::SetEnabled { id, .. } | Change::ReleaseGate { id } => {
            Some(*id)
        }
        Change::RemoveIntegration(id) => Some(*id),
        _ => None,
    }
}

/// The operation, what it is called, and what the audit log tells beside the changes.
type Prepared = (Op, &'static str, Map<String, Value>);

fn prepare(change: Change, seal: &Seal, dice: &Dice) -> Prepared {
    match change {
        Change::InsertCompany(company) => insert(company_item(&company)),
        Change::UpdateCompany(company) => update(company_item(&company)),
        Change::RemoveCompany(id) => remove(Kind::Company, id.to_bytes()),
        Change::InsertSource(source) => insert(source_item(&source, seal, dice)),
        Change::UpdateSource(source) => update(source_item(&source, seal, dice)),
        Change::RemoveSource(id) => remove(Kind::Source, id.to_bytes()),
        Change::InsertIntegration {
            integration,
            secrets,
        } => insert(integration_item(&integration, Some(&secrets), seal, dice)),
        Change::UpdateIntegration {
            integration,
            secrets,
        } => update(integration_item(&integration, secrets.as_ref(), seal, dice)),
        Change::Checked { id, at, ok, report } => {
            let edit = Edit::Checked { at, ok, report };
            (edited(id, edit), "check", beside("ok", ok))
        }
        Change::SetEnabled { id, enabled } => {
            let edit = Edit::SetEnabled(enabled);
            (edited(id, edit), "switch", beside("enabled", enabled))
        }
        Change::ReleaseGate { id } => {
            let id = id.to_bytes();
            (Op::ReleaseGate { id }, "release", Map::new())
        }
        Change::RemoveIntegration(id) => remove(Kind::Integration, id.to_bytes()),
        Change::InsertEventKind(kind) => insert(event_kind_item(&kind)),
        Change::UpdateEventKind(kind) => update(event_kind_item(&kind)),
        Change::RemoveEventKind(id) => remove(Kind::CatalogueEntry, id.to_bytes()),
        Change::InsertEventSet(set) => insert(event_set_item(&set)),
        Change::UpdateEventSet(set) => update(event_set_item(&set)),
        Change::RemoveEventSet(id) => remove(Kind::EventSet, id.to_bytes()),
        Change::InsertRule(rule) => insert(rule_item(&rule)),
        Change::UpdateRule(rule) => update(rule_item(&rule)),
        Change::RemoveRule(id) => remove(Kind::Rule, id.to_bytes()),
        Change::PutMappings(mappings) => {
            let items = mappings.iter().map(mapping_item).collect();
            (Op::Put(items), "update", Map::new())
        }
        Change::RemoveMapping {
            integration,
            company,
        } => remove(Kind::Mapping, mapping_id(integration, company)),
        Change::InsertSilence(silence) => insert(silence_item(&silence)),
        Change::UpdateSilence(silence) => update(silence_item(&silence)),
        Change::EndSilence(silence) => {
            let (op, _, beside) = update(silence_item(&silence));
            (op, "end", beside)
        }
        Change::RemoveSilence(id) => remove(Kind::Silence, id.to_bytes()),
        Change::InsertKey(key) => insert(key_item(&key)),
        Change::RemoveKey(id) => remove(Kind::Key, id.to_bytes()),
        Change::InsertUser(user) => insert(user_item(&user)),
        Change::UpdateUser(user) => update(user_item(&user)),
        Change::RemoveUser(id) => remove(Kind::User, id.to_bytes()),
    }
}

fn insert(item: Item) -> Prepared {
    (Op::Insert(item), "insert", Map::new())
}

fn update(item: Item) -> Prepared {
    (Op::Update(item), "update", Map::new())
}

fn remove(kind: Kind, id: [u8; 16]) -> Prepared {
    (Op::Remove { kind, id }, "remove", Map::new())
}

fn edited(id: IntegrationId, edit: Edit) -> Op {
    let id = id.to_bytes();
    Op::Edit { id, edit }
}

fn beside(name: &str, value: bool) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value.into())])
}

/// What an item needs, read from how it was stored.
pub(crate) fn references_of(item: &Stored) -> Result<Vec<Reference>, StoreError> {
    let (noun, id, document) = (item.kind.noun(), &item.id, &item.document);
    Ok(match item.kind {
        Kind::Company | Kind::CatalogueEntry | Kind::EventSet | Kind::Key | Kind::User => {
            Vec::new()
        }
        Kind::Source => uses_companies(of_json::<SourceDocument>(noun, id, document)?.names()),
        Kind::Integration => {
            uses_companies(of_json::<IntegrationDocument>(noun, id, document)?.companies)
        }
        Kind::Rule => rule_references(&of_json(noun, id, document)?),
        Kind::Mapping => mapping_references(&of_json(noun, id, document)?),
        Kind::Silence => silence_references(&of_json(noun, id, document)?),
    })
}

/// An item that nothing is sealed of and that refers to nothing.
fn plain(kind: Kind, id: [u8; 16], name: &str, document: String) -> Item {
    Item {
        kind,
        id,
        scope: [0; 16],
        name: name.to_owned(),
        name_key: domain::company::name_key(name),
        document,
        sealed: None,
        references: Vec::new(),
        enabled: None,
    }
}

fn uses_companies(companies: impl IntoIterator<Item = CompanyId>) -> Vec<Reference> {
    let mut targets: Vec<_> = companies.into_iter().map(CompanyId::to_bytes).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
        .into_iter()
        .map(|target| Reference {
            kind: Kind::Company,
            target,
            owned: false,
        })
        .collect()
}

fn company_item(company: &domain::company::Company) -> Item {
    plain(
        Kind::Company,
        company.id.to_bytes(),
        &company.name,
        to_json(company),
    )
}

fn source_item(source: &domain::source::Source, seal: &Seal, dice: &Dice) -> Item {
    let stored = SourceDocument::new(source);
    Item {
        sealed: Some(document::seal_signatures(seal, dice, source)),
        references: uses_companies(stored.names()),
        ..plain(
            Kind::Source,
            source.id.to_bytes(),
            &source.name,
            to_json(&stored),
        )
    }
}

fn integration_item(
    integration: &domain::integration::Integration,
    secrets: Option<&Secrets>,
    seal: &Seal,
    dice: &Dice,
) -> Item {
    let document = IntegrationDocument::new(integration, secrets);
    Item {
        sealed: secrets.map(|secrets| document::seal_secrets(seal, dice, integration.id, secrets)),
        references: uses_companies(integration.companies.iter().copied()),
        enabled: Some(integration.enabled && integration.authenticated_at.is_some()),
        ..plain(
            Kind::Integration,
            integration.id.to_bytes(),
            &integration.name,
            to_json(&document),
        )
    }
}

fn event_kind_item(kind: &EventKind) -> Item {
    plain(
        Kind::CatalogueEntry,
        kind.id.to_bytes(),
        &kind.name(),
        to_json(kind),
    )
}

fn event_set_item(set: &domain::event_set::EventSet) -> Item {
    plain(Kind::EventSet, set.id.to_bytes(), &set.name, to_json(set))
}

fn rule_item(rule: &IntegrationRule) -> Item {
    Item {
        scope: rule.integration.to_bytes(),
        references: rule_references(rule),
        ..plain(Kind::Rule, rule.id.to_bytes(), &rule.name, to_json(rule))
    }
}

fn rule_references(rule: &IntegrationRule) -> Vec<Reference> {
    vec![
        Reference {
            kind: Kind::Integration,
            target: rule.integration.to_bytes(),
            owned: true,
        },
        Reference {
            kind: Kind::EventSet,
            target: rule.event_set.to_bytes(),
            owned: false,
        },
    ]
}

fn mapping_item(mapping: &CompanyMapping) -> Item {
    Item {
        scope: mapping.integration.to_bytes(),
        references: mapping_references(mapping),
        ..plain(
            Kind::Mapping,
            mapping_id(mapping.integration, mapping.company),
            &mapping_name(mapping.integration, mapping.company),
            to_json(mapping),
        )
    }
}

fn mapping_references(mapping: &CompanyMapping) -> Vec<Reference> {
    let mut references = vec![Reference {
        kind: Kind::Integration,
        target: mapping.integration.to_bytes(),
        owned: true,
    }];
    if let MappedTo::Company(company) = mapping.company {
        references.push(Reference {
            kind: Kind::Company,
            target: company.to_bytes(),
            owned: true,
        });
    }
    let mut rules: Vec<_> = mapping.rules.iter().map(|rule| rule.to_bytes()).collect();
    rules.sort_unstable();
    rules.dedup();
    references.extend(rules.into_iter().map(|target| Reference {
        kind: Kind::Rule,
        target,
        owned: false,
    }));
    references
}

/// A mapping is known by whom it is for, so its id is made of that.
fn mapping_id(integration: IntegrationId, company: MappedTo) -> [u8; 16] {
    let hash = Sha256::digest(mapping_name(integration, company));
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    id
}

fn mapping_name(integration: IntegrationId, company: MappedTo) -> String {
    match company {
        MappedTo::Company(company) => format!("{integration}/{company}"),
        MappedTo::All => format!("{integration}/all"),
    }
}

/// A silence may be called like another, which may be another company's or long over. One of a single company goes with it.
fn silence_item(silence: &Silence) -> Item {
    Item {
        scope: silence.id.to_bytes(),
        references: silence_references(silence),
        ..plain(
            Kind::Silence,
            silence.id.to_bytes(),
            &silence.name,
            to_json(silence),
        )
    }
}

fn silence_references(silence: &Silence) -> Vec<Reference> {
    let owned = silence.companies.len() == 1;
    let references = uses_companies(silence.companies.iter().copied()).into_iter();
    references
        .map(|reference| Reference { owned, ..reference })
        .collect()
}

fn key_item(key: &domain::access::ApiKey) -> Item {
    plain(
        Kind::Key,
        key.id.to_bytes(),
        &key.name,
        to_json(&KeyDocument::new(key)),
    )
}

fn user_item(user: &domain::user::User) -> Item {
    plain(
        Kind::User,
        user.id.to_bytes(),
        &user.name,
        to_json(&UserDocument::new(user)),
    )
}

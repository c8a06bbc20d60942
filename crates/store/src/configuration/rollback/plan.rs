//! What has to be done to go back, decided from what then was and what now is. No SQL.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::access::Scope;
use domain::configuration::Configuration;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::{CompanyId, IntegrationId};

use super::super::document::{IntegrationDocument, Limited};
use super::super::item::references_of;
use super::super::revision::{Stored, Touched};
use super::super::told::{changes, name, shown_id};
use super::super::{Kind, Reference};
use super::{LISTED, Restored, Rollback};
use crate::StoreError;
use crate::codec::{of_json, to_json};
use crate::seal::Seal;

/// What a database knows of the things that were touched since an epoch.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The present epoch.
    pub(super) epoch: i64,
    /// As they were; those that were not there are not in it.
    pub(super) then: Vec<Stored>,
    /// As they are; those that are not there any more are not in it.
    pub(super) now: Vec<Stored>,
    /// Of integrations that are not there any more, their last documents.
    pub(super) last: HashMap<[u8; 16], String>,
    /// Of integrations that were not there then, how many deliveries are pending.
    pub(super) pending: HashMap<[u8; 16], i64>,
    /// Something that was not there then, and the kind of an untouched thing that needs it.
    pub(super) needed: Option<([u8; 16], String)>,
    /// All API keys and users.
    pub(super) keys: Vec<Stored>,
}

impl Found {
    /// Those that were not there then.
    pub(super) fn made(&self) -> Vec<&Stored> {
        let then: HashSet<_> = self.then.iter().map(|item| item.id).collect();
        self.now
            .iter()
            .filter(|item| !then.contains(&item.id))
            .collect()
    }

    /// Those that are not there any more.
    pub(super) fn lost(&self) -> Vec<&Stored> {
        let now: HashSet<_> = self.now.iter().map(|item| item.id).collect();
        self.then
            .iter()
            .filter(|item| !now.contains(&item.id))
            .collect()
    }

    /// The ids of all of them.
    pub(super) fn touched(&self) -> HashSet<[u8; 16]> {
        let items = self.then.iter().chain(&self.now);
        items.map(|item| item.id).collect()
    }
}

/// The steps of going back: removals first, users before what they use; then the rest, the other way round.
#[derive(Debug)]
pub(super) struct Plan {
    /// The present epoch.
    pub(super) epoch: i64,
    pub(super) touched: Vec<Touched>,
    warnings: Vec<Vec<String>>,
}

/// A thing that is stored again.
#[derive(Debug)]
pub(super) struct Put<'a> {
    pub(super) item: &'a Stored,
    pub(super) references: Vec<Reference>,
    /// Of an integration: whether it may send.
    pub(super) enabled: Option<bool>,
}

/// What a check finds out; it is no reason to put an integration back.
const OF_CHECKS: [&str; 2] = ["/authenticated_at", "/checked_at"];

impl Plan {
    pub(super) fn new(found: &Found, seal: &Seal) -> Result<Self, StoreError> {
        if let Some((id, user)) = &found.needed {
            return Err(needed(found, *id, user));
        }
        let mut now: BTreeMap<_, _> = found.now.iter().map(|item| (item.id, item)).collect();
        let mut touched = Vec::new();
        for then in &found.then {
            let before = now.remove(&then.id);
            let last = found.last.get(&then.id).map(String::as_str);
            if let Some(after) = put_back(then, before, last, seal)? {
                let before = before.cloned();
                touched.push(Touched {
                    before,
                    after: Some(after),
                });
            }
        }
        touched.extend(now.into_values().map(|item| Touched {
            before: Some(item.clone()),
            after: None,
        }));
        touched.sort_by_key(place);
        let warnings = touched
            .iter()
            .map(|step| warnings(step, found))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            epoch: found.epoch,
            touched,
            warnings,
        })
    }

    /// What is stored again, in an order in which each finds what it refers to.
    pub(super) fn puts(&self) -> Result<Vec<Put<'_>>, StoreError> {
        let items = self.touched.iter().filter_map(|step| step.after.as_ref());
        items
            .map(|item| {
                let enabled = match item.kind {
                    Kind::Integration => Some(integration(item)?.sends()),
                    _ => None,
                };
                Ok(Put {
                    item,
                    references: references_of(item)?,
                    enabled,
                })
            })
            .collect()
    }

    pub(super) fn removed_integrations(&self) -> impl Iterator<Item = [u8; 16]> {
        let removed = self.touched.iter().filter(|step| step.after.is_none());
        removed
            .filter_map(|step| step.before.as_ref())
            .filter(|item| item.kind == Kind::Integration)
            .map(|item| item.id)
    }

    /// The integrations whose owners should look again.
    pub(super) fn wakes(&self) -> Vec<IntegrationId> {
        let items = self.touched.iter().filter_map(Touched::either);
        items
            .filter(|item| item.kind == Kind::Integration)
            .map(|item| IntegrationId::from_bytes(item.id))
            .collect()
    }

    pub(super) fn answer(self, epoch: i64, seal: &Seal, known: &Configuration) -> Rollback {
        let names = Names::of(&self.touched, known);
        let total = self.touched.len();
        let changes = self
            .touched
            .iter()
            .zip(self.warnings)
            .take(LISTED)
            .filter_map(|(step, warnings)| {
                let item = step.either()?;
                Some(Restored {
                    action: match (&step.before, &step.after) {
                        (None, _) => "insert",
                        (Some(_), Some(_)) => "update",
                        (Some(_), None) => "remove",
                    },
                    what: item.kind.noun(),
                    id: shown_id(item),
                    name: names.name(item),
                    fields: changes(step, seal),
                    warnings,
                })
            })
            .collect();
        Rollback {
            epoch: epoch.cast_unsigned(),
            total,
            changes,
        }
    }
}

fn needed(found: &Found, id: [u8; 16], user: &str) -> StoreError {
    let what = found.now.iter().find(|item| item.id == id);
    StoreError::InUse {
        what: what.map_or("item", |item| item.kind.noun()),
        id: what.map_or_else(|| crate::codec::hex(&id), shown_id),
        by: Kind::of_noun(user).map_or("thing", Kind::noun),
    }
}

fn integration(item: &Stored) -> Result<IntegrationDocument, StoreError> {
    of_json(item.kind.noun(), &item.id, &item.document)
}

/// The row as it is stored again; none when what is there says the same. An integration's version only ever rises, for
/// by it the node that works it sees that it changed.
fn put_back(
    then: &Stored,
    now: Option<&Stored>,
    last: Option<&str>,
    seal: &Seal,
) -> Result<Option<Stored>, StoreError> {
    let step = Touched {
        before: now.cloned(),
        after: Some(then.clone()),
    };
    let mut differing = changes(&step, seal);
    differing.retain(|change| !OF_CHECKS.contains(&change.pointer.as_str()));
    if now.is_some() && differing.is_empty() {
        return Ok(None);
    }
    if then.kind != Kind::Integration {
        return Ok(Some(then.clone()));
    }
    let mut document = integration(then)?;
    let present = now.map(integration).transpose()?;
    let former: Option<IntegrationDocument> = last
        .map(|text| of_json(then.kind.noun(), &then.id, text))
        .transpose()?;
    let version = present.as_ref().or(former.as_ref());
    document.version = version.map_or(document.version, |known| known.version) + 1;
    let proof = present.filter(|_| {
        !differing
            .iter()
            .any(|change| is_credential(&change.pointer))
    });
    (
        document.authenticated_at,
        document.checked_at,
        document.last_check,
    ) = proof.map_or((None, None, None), |present| {
        (
            present.authenticated_at,
            present.checked_at,
            present.last_check,
        )
    });
    Ok(Some(Stored {
        document: to_json(&document),
        ..then.clone()
    }))
}

/// Whether a field is one of those that a check has proved: URLs, credentials, secrets.
fn is_credential(pointer: &str) -> bool {
    let part = pointer.split('/').nth(1).unwrap_or_default();
    ["connector", "fields", "secrets"].contains(&part)
}

fn place(step: &Touched) -> (bool, usize) {
    let kind = step.either().map(|item| item.kind);
    let rank = Kind::ALL.iter().position(|each| Some(*each) == kind);
    let rank = rank.unwrap_or(Kind::ALL.len());
    match step.after {
        Some(_) => (true, rank),
        None => (false, Kind::ALL.len() - rank),
    }
}

fn warnings(step: &Touched, found: &Found) -> Result<Vec<String>, StoreError> {
    Ok(match (&step.before, &step.after) {
        (Some(gone), None) if gone.kind == Kind::Integration => {
            let pending = found.pending.get(&gone.id).copied().unwrap_or(0);
            let warning = format!("its pending deliveries ({pending}) end as dead");
            (pending > 0).then_some(warning).into_iter().collect()
        }
        (Some(gone), None) if gone.kind == Kind::Company => limited_keys(gone.id, &found.keys)?,
        (before, Some(after)) if after.kind == Kind::Integration => {
            let was_good = match before {
                Some(before) => integration(before)?.authenticated_at.is_some(),
                None => true,
            };
            let is_good = integration(after)?.authenticated_at.is_some();
            let warning = "it comes back not authenticated: nothing is sent until a check is good";
            let worse = was_good && !is_good;
            worse.then(|| warning.to_owned()).into_iter().collect()
        }
        _ => Vec::new(),
    })
}

/// A key or a user may name a company that goes: they stay, and see nothing of it then.
fn limited_keys(company: [u8; 16], keys: &[Stored]) -> Result<Vec<String>, StoreError> {
    let company = CompanyId::from_bytes(company);
    let mut warnings = Vec::new();
    for key in keys {
        let what = match key.kind {
            Kind::User => "user",
            _ => "API key",
        };
        let key: Limited = of_json(key.kind.noun(), &key.id, &key.document)?;
        if matches!(&key.scope, Scope::Companies(companies) if companies.contains(&company)) {
            let warning = format!("the {what} `{}` is limited to it and stays", key.name);
            warnings.push(warning);
        }
    }
    Ok(warnings)
}

/// Names of integrations and companies, for a mapping has none of its own.
struct Names<'a> {
    touched: HashMap<[u8; 16], String>,
    known: &'a Configuration,
}

impl<'a> Names<'a> {
    fn of(touched: &[Touched], known: &'a Configuration) -> Self {
        let items = touched.iter().filter_map(Touched::either);
        Self {
            touched: items
                .filter(|item| matches!(item.kind, Kind::Company | Kind::Integration))
                .map(|item| (item.id, name(item)))
                .collect(),
            known,
        }
    }

    fn name(&self, item: &Stored) -> String {
        if item.kind != Kind::Mapping {
            return name(item);
        }
        let Ok(mapping) = serde_json::from_str::<CompanyMapping>(&item.document) else {
            return name(item);
        };
        let integration = self.of_integration(mapping.integration);
        match mapping.company {
            MappedTo::Company(company) => format!("{integration} / {}", self.of_company(company)),
            MappedTo::All => format!("{integration} / all"),
        }
    }

    fn of_integration(&self, id: IntegrationId) -> String {
        let known = || Some(self.known.integration(id)?.name.clone());
        let touched = self.touched.get(&id.to_bytes()).cloned();
        touched.or_else(known).unwrap_or_else(|| id.to_string())
    }

    fn of_company(&self, id: CompanyId) -> String {
        let known = || Some(self.known.company(id)?.name.clone());
        let touched = self.touched.get(&id.to_bytes()).cloned();
        touched.or_else(known).unwrap_or_else(|| id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SealingKey;

    fn seal() -> Seal {
        Seal::new(&SealingKey::from_bytes([7; 32]))
    }

    fn a_company(number: usize, name: &str) -> Stored {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        Stored {
            kind: Kind::Company,
            id,
            scope: [0; 16],
            name_key: name.to_lowercase(),
            document: serde_json::json!({ "name": name }).to_string(),
            sealed: None,
        }
    }

    #[test]
    fn of_very_many_things_the_first_are_listed_and_all_are_counted() {
        let made = (0..=LISTED).map(|number| a_company(number, "Acme"));
        let found = Found {
            now: made.collect(),
            ..Found::default()
        };
        let plan = Plan::new(&found, &seal()).unwrap();
        let answer = plan.answer(7, &seal(), &Configuration::default());
        assert_eq!((answer.total, answer.changes.len()), (LISTED + 1, LISTED));
    }

    #[test]
    fn what_an_untouched_thing_needs_is_not_removed() {
        let company = a_company(1, "Acme");
        let found = Found {
            needed: Some((company.id, "source".to_owned())),
            now: vec![company],
            ..Found::default()
        };
        let refused = Plan::new(&found, &seal()).unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::InUse {
                    what: "company",
                    by: "source",
                    ..
                }
            ),
            "{refused}"
        );
    }

    #[test]
    fn what_goes_goes_first_and_what_is_used_comes_before_its_users() {
        let of_kind = |number, kind| Stored {
            kind,
            ..a_company(number, "x")
        };
        let renamed = Stored {
            document: serde_json::json!({ "name": "y" }).to_string(),
            ..of_kind(1, Kind::EventSet)
        };
        let found = Found {
            then: vec![of_kind(1, Kind::EventSet), of_kind(2, Kind::Company)],
            now: vec![renamed, of_kind(3, Kind::Company), of_kind(4, Kind::Source)],
            ..Found::default()
        };
        let plan = Plan::new(&found, &seal()).unwrap();
        let order: Vec<_> = plan
            .touched
            .iter()
            .map(|step| (step.after.is_some(), step.either().unwrap().kind))
            .collect();
        let expected = [
            (false, Kind::Source),
            (false, Kind::Company),
            (true, Kind::Company),
            (true, Kind::EventSet),
        ];
        assert_eq!(order, expected);
    }
}

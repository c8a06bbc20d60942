//! The stored form of what the domain does not write itself, and the snapshot made of what was stored.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use domain::access::{ApiKey, Role, Scope};
use domain::configuration::{Delta, Parts, Removed};
use domain::integration::{DeliveryForm, Fields, Integration, Secrets};
use domain::mapping::CompanyMapping;
use domain::source::{
    Authentication, CompanyRule, HeaderAuthentication, Live, PasswordAuthentication, Require,
    Source, SourceLimits,
};
use domain::user::User;
use domain::{
    CompanyId, Dice, EventKindId, EventSetId, IntegrationId, KeyId, RuleId, Secret, SilenceId,
    SourceId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::revision::LoadedDelta;
use super::{Kind, Loaded, LoadedItem};
use crate::StoreError;
use crate::codec::{fixed, hex, of_json, to_json};
use crate::seal::Seal;

/// An integration without its secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IntegrationDocument {
    connector: String,
    name: String,
    pub(super) companies: Vec<CompanyId>,
    pub(super) enabled: bool,
    pub(super) authenticated_at: Option<Timestamp>,
    pub(super) checked_at: Option<Timestamp>,
    fields: Fields,
    pub(super) secrets_set: BTreeMap<String, String>,
    delivery: DeliveryForm,
    pub(super) last_check: Option<Value>,
    created_at: Timestamp,
    pub(super) version: u64,
}

impl IntegrationDocument {
    /// Whether it may send, as far as persons and checks say: switched on and authenticated. The gate is another matter.
    pub(super) fn sends(&self) -> bool {
        self.enabled && self.authenticated_at.is_some()
    }

    /// Given secrets say themselves which are set; without them the caller's word stands until the stored one replaces it.
    pub(super) fn new(integration: &Integration, secrets: Option<&Secrets>) -> Self {
        let last4 = |secrets: &Secrets| {
            secrets
                .iter()
                .map(|(name, secret)| (name.clone(), secret.last4()))
                .collect()
        };
        Self {
            connector: integration.connector.clone(),
            name: integration.name.clone(),
            companies: integration.companies.clone(),
            enabled: integration.enabled,
            authenticated_at: integration.authenticated_at,
            checked_at: integration.checked_at,
            fields: integration.fields.clone(),
            secrets_set: secrets.map_or_else(|| integration.secrets_set.clone(), last4),
            delivery: DeliveryForm::from(&integration.delivery),
            last_check: integration.last_check.clone(),
            created_at: integration.created_at,
            version: integration.version,
        }
    }

    fn read(self, id: [u8; 16]) -> Result<Integration, StoreError> {
        let delivery = self.delivery.parse().map_err(|errors| {
            let detail = errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ");
            StoreError::corrupt(Kind::Integration.noun(), hex(&id), detail)
        })?;
        Ok(Integration {
            id: IntegrationId::from_bytes(id),
            connector: self.connector,
            name: self.name,
            companies: self.companies,
            enabled: self.enabled,
            authenticated_at: self.authenticated_at,
            checked_at: self.checked_at,
            fields: self.fields,
            secrets_set: self.secrets_set,
            delivery,
            last_check: self.last_check,
            created_at: self.created_at,
            version: self.version,
        })
    }
}

/// A source without its signature secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SourceDocument {
    name: String,
    companies: Vec<CompanyId>,
    company: Option<CompanyId>,
    company_rules: Vec<CompanyRule>,
    header: Option<HeaderAuthentication>,
    basic: Option<PasswordAuthentication>,
    login: Option<PasswordAuthentication>,
    addresses: Vec<String>,
    /// When the former signature secret ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature_former_until: Option<Timestamp>,
    #[serde(default)]
    require: Require,
    #[serde(default)]
    limits: SourceLimits,
    dedup_window_micros: Option<u64>,
    created_at: Timestamp,
}

impl SourceDocument {
    pub(super) fn new(source: &Source) -> Self {
        let authentication = &source.authentication;
        Self {
            name: source.name.clone(),
            companies: source.companies.clone(),
            company: source.company,
            company_rules: source.company_rules.clone(),
            header: authentication.header.clone(),
            basic: authentication.basic.clone(),
            login: authentication.login.clone(),
            addresses: authentication
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
            signature_former_until: authentication.signature.former_until,
            require: authentication.require,
            limits: source.limits,
            dedup_window_micros: source
                .dedup_window
                .map(|window| u64::try_from(window.as_micros()).unwrap_or(u64::MAX)),
            created_at: source.created_at,
        }
    }

    /// The companies that it names, in whatever part.
    pub(super) fn names(&self) -> impl Iterator<Item = CompanyId> {
        let ruled = self.company_rules.iter().map(|rule| rule.company);
        self.companies
            .iter()
            .copied()
            .chain(self.company)
            .chain(ruled)
    }

    fn read(self, id: [u8; 16], signature: Vec<Secret<Vec<u8>>>) -> Result<Source, StoreError> {
        let address = |text: &String| {
            text.parse()
                .map_err(|error| StoreError::corrupt(Kind::Source.noun(), hex(&id), error))
        };
        Ok(Source {
            id: SourceId::from_bytes(id),
            authentication: Authentication {
                require: self.require,
                header: self.header,
                basic: self.basic,
                login: self.login,
                signature: Live {
                    secrets: signature,
                    former_until: self.signature_former_until,
                },
                addresses: self
                    .addresses
                    .iter()
                    .map(address)
                    .collect::<Result<_, _>>()?,
            },
            name: self.name,
            companies: self.companies,
            company: self.company,
            company_rules: self.company_rules,
            dedup_window: self.dedup_window_micros.map(Duration::from_micros),
            limits: self.limits,
            created_at: self.created_at,
        })
    }
}

/// An API key; its last use stands in a table of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyDocument {
    name: String,
    role: Role,
    scope: Scope,
    digest: [u8; 32],
    created_at: Timestamp,
}

impl KeyDocument {
    pub(super) fn new(key: &ApiKey) -> Self {
        Self {
            name: key.name.clone(),
            role: key.role,
            scope: key.scope.clone(),
            digest: key.digest,
            created_at: key.created_at,
        }
    }

    fn read(self, id: [u8; 16], last_used_at: Option<Timestamp>) -> ApiKey {
        ApiKey {
            id: KeyId::from_bytes(id),
            name: self.name,
            role: self.role,
            scope: self.scope,
            digest: self.digest,
            created_at: self.created_at,
            last_used_at,
        }
    }
}

/// Somebody who signs in; when they last did stands in a table of its own.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserDocument {
    name: String,
    role: Role,
    scope: Scope,
    password: String,
    enabled: bool,
    created_at: Timestamp,
}

impl UserDocument {
    pub(super) fn new(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            role: user.role,
            scope: user.scope.clone(),
            password: user.password.reveal().clone(),
            enabled: user.enabled,
            created_at: user.created_at,
        }
    }

    pub(crate) fn read(self, id: [u8; 16]) -> User {
        User {
            id: UserId::from_bytes(id),
            name: self.name,
            role: self.role,
            scope: self.scope,
            password: Secret::new(self.password),
            enabled: self.enabled,
            created_at: self.created_at,
        }
    }
}

/// Who sees some companies alone, by key or by name.
#[derive(Debug, Deserialize)]
pub(super) struct Limited {
    pub(super) name: String,
    pub(super) scope: Scope,
}

/// What a sealed record belongs to: taken elsewhere, it does not open.
fn place(kind: Kind, id: [u8; 16], field: &str) -> Vec<u8> {
    [kind.noun().as_bytes(), b"/", &id, b"/", field.as_bytes()].concat()
}

pub(super) fn seal_secrets(
    seal: &Seal,
    dice: &Dice,
    id: IntegrationId,
    secrets: &Secrets,
) -> Vec<u8> {
    let open: BTreeMap<&str, &str> = secrets
        .iter()
        .map(|(name, secret)| (name.as_str(), secret.reveal().as_str()))
        .collect();
    let text = Zeroizing::new(to_json(&open));
    seal.seal(
        dice,
        &place(Kind::Integration, id.to_bytes(), "secrets"),
        text.as_bytes(),
    )
}

/// The secrets of a sealed record; an integration that never had one has none.
pub(super) fn open_secrets(
    seal: &Seal,
    id: IntegrationId,
    sealed: Option<&[u8]>,
) -> Result<Secrets, StoreError> {
    let Some(sealed) = sealed else {
        return Ok(Secrets::new());
    };
    let open = seal
        .open(&place(Kind::Integration, id.to_bytes(), "secrets"), sealed)
        .map_err(|detail| StoreError::corrupt(Kind::Integration.noun(), id, detail))?;
    serde_json::from_slice(&open)
        .map_err(|error| StoreError::corrupt(Kind::Integration.noun(), id, secretless(&error)))
}

pub(super) fn seal_signatures(seal: &Seal, dice: &Dice, source: &Source) -> Vec<u8> {
    let open: Vec<&[u8]> = source
        .authentication
        .signature
        .secrets
        .iter()
        .map(|secret| secret.reveal().as_slice())
        .collect();
    let text = Zeroizing::new(to_json(&open));
    seal.seal(
        dice,
        &place(Kind::Source, source.id.to_bytes(), "signature"),
        text.as_bytes(),
    )
}

pub(super) fn open_signatures(
    seal: &Seal,
    id: [u8; 16],
    sealed: Option<&[u8]>,
) -> Result<Vec<Secret<Vec<u8>>>, StoreError> {
    let Some(sealed) = sealed else {
        return Ok(Vec::new());
    };
    let corrupt = |detail: &str| StoreError::corrupt(Kind::Source.noun(), hex(&id), detail);
    let open = seal
        .open(&place(Kind::Source, id, "signature"), sealed)
        .map_err(corrupt)?;
    let secrets: Vec<Vec<u8>> =
        serde_json::from_slice(&open).map_err(|error| corrupt(secretless(&error)))?;
    Ok(secrets.into_iter().map(Secret::new).collect())
}

/// What was wrong with the JSON of secrets; the error itself might repeat one.
fn secretless(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Io => "the secrets could not be read",
        serde_json::error::Category::Syntax => "the secrets are no JSON",
        serde_json::error::Category::Data => "the secrets have another form than secrets have",
        serde_json::error::Category::Eof => "the secrets are cut short",
    }
}

pub(super) fn key_uses(uses: &[(Vec<u8>, i64)]) -> Result<HashMap<KeyId, Timestamp>, StoreError> {
    let read = |(id, at): &(Vec<u8>, i64)| {
        Ok((
            KeyId::from_bytes(fixed("key_use", id, id)?),
            Timestamp::from_micros(*at),
        ))
    };
    uses.iter().map(read).collect()
}

/// The parts of a snapshot.
pub(super) fn parts(loaded: Loaded, instance: &str, seal: &Seal) -> Result<Parts, StoreError> {
    let uses = key_uses(&loaded.key_uses)?;
    let mut parts = Parts {
        epoch: loaded.epoch.cast_unsigned(),
        instance: instance.to_owned(),
        ..Parts::default()
    };
    for item in loaded.items {
        add(&mut parts, item, &uses, seal)?;
    }
    Ok(parts)
}

/// What lies between a snapshot and what was stored since.
pub(super) fn delta(loaded: LoadedDelta, instance: &str, seal: &Seal) -> Result<Delta, StoreError> {
    let mut removed = Removed::default();
    for item in &loaded.removed {
        take_away(&mut removed, item)?;
    }
    let put = parts(loaded.put, instance, seal)?;
    Ok(Delta { put, removed })
}

fn take_away(removed: &mut Removed, item: &LoadedItem) -> Result<(), StoreError> {
    let kind = kind_of(item)?;
    let noun = kind.noun();
    let id = fixed(noun, &item.id, &item.id)?;
    match kind {
        Kind::Company => removed.companies.push(CompanyId::from_bytes(id)),
        Kind::Source => removed.sources.push(SourceId::from_bytes(id)),
        Kind::Integration => removed.integrations.push(IntegrationId::from_bytes(id)),
        Kind::CatalogueEntry => removed.event_kinds.push(EventKindId::from_bytes(id)),
        Kind::EventSet => removed.event_sets.push(EventSetId::from_bytes(id)),
        Kind::Rule => removed.rules.push(RuleId::from_bytes(id)),
        Kind::Mapping => {
            let mapping: CompanyMapping = of_json(noun, &id, &item.document)?;
            removed
                .mappings
                .push((mapping.integration, mapping.company));
        }
        Kind::Silence => removed.silences.push(SilenceId::from_bytes(id)),
        Kind::Key => removed.keys.push(KeyId::from_bytes(id)),
        Kind::User => removed.users.push(UserId::from_bytes(id)),
    }
    Ok(())
}

fn kind_of(item: &LoadedItem) -> Result<Kind, StoreError> {
    Kind::of_noun(&item.kind).ok_or_else(|| {
        StoreError::corrupt("item", hex(&item.id), format_args!("kind `{}`", item.kind))
    })
}

fn add(
    parts: &mut Parts,
    item: LoadedItem,
    uses: &HashMap<KeyId, Timestamp>,
    seal: &Seal,
) -> Result<(), StoreError> {
    let kind = kind_of(&item)?;
    let LoadedItem {
        id,
        document,
        sealed,
        ..
    } = item;
    let noun = kind.noun();
    let bytes = fixed(noun, &id, &id)?;
    match kind {
        Kind::Company => parts.companies.push(of_json(noun, &id, &document)?),
        Kind::Source => {
            let signature = open_signatures(seal, bytes, sealed.as_deref())?;
            parts
                .sources
                .push(of_json::<SourceDocument>(noun, &id, &document)?.read(bytes, signature)?);
        }
        Kind::Integration => {
            parts
                .integrations
                .push(of_json::<IntegrationDocument>(noun, &id, &document)?.read(bytes)?);
        }
        Kind::CatalogueEntry => parts.event_kinds.push(of_json(noun, &id, &document)?),
        Kind::EventSet => parts.event_sets.push(of_json(noun, &id, &document)?),
        Kind::Rule => parts.rules.push(of_json(noun, &id, &document)?),
        Kind::Mapping => parts.mappings.push(of_json(noun, &id, &document)?),
        Kind::Silence => parts.silences.push(of_json(noun, &id, &document)?),
        Kind::Key => {
            let used = uses.get(&KeyId::from_bytes(bytes)).copied();
            parts
                .keys
                .push(of_json::<KeyDocument>(noun, &id, &document)?.read(bytes, used));
        }
        Kind::User => {
            let user = of_json::<UserDocument>(noun, &id, &document)?.read(bytes);
            parts.users.push(user);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_before_limits_and_ends_of_secrets_is_read() {
        let digest = vec![7; 32];
        let text = serde_json::json!({
            "name": "Door", "companies": [], "company": null, "company_rules": [],
            "header": {"key": "x-key", "digests": [digest, digest]}, "basic": null,
            "login": {"username": "me", "digests": [digest]}, "addresses": [],
            "dedup_window_micros": null, "created_at": "2026-11-24T02:00:00Z",
        });
        let document: SourceDocument = of_json("source", &[1; 16], &text.to_string()).unwrap();
        let source = document.read([1; 16], Vec::new()).unwrap();
        let header = source.authentication.header.unwrap().secret;
        assert_eq!(header.live.secrets, [[7; 32]; 2]);
        assert_eq!((header.live.former_until, header.last4), (None, None));
        assert_eq!(source.authentication.require, Require::Any);
        assert_eq!(source.limits, SourceLimits::default());
    }
}

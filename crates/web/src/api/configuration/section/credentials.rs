//! The credentials of an integration in a document: a secret may be a reference, which keeps what is stored.

use connectors::Parsed;
use connectors::rotation::{is_former, signing, without_ended, without_previous};
use domain::integration::{Integration, Secrets};
use serde_json::{Map, Value};

use crate::api::configuration::plan::Plan;
use crate::api::given::Reference;
use crate::problem::Problem;

/// What a document's credentials come to.
pub(super) struct Credentials {
    /// None: they are as stored.
    pub(super) parsed: Option<Parsed>,
    /// Pointers to secrets that are others than before.
    pub(super) changed: Vec<String>,
}

/// The credentials as a document has them: each secret as the reference that finds it. Objects inside are put in order. A
/// signing secret that is being rotated out is left out.
pub(super) fn export(integration: &Integration) -> Map<String, Value> {
    let mut credentials: Map<String, Value> = integration
        .fields
        .iter()
        .filter(|(name, _)| !is_former(name))
        .map(|(name, value)| (name.clone(), ordered(value)))
        .collect();
    let secrets = integration.secrets_set.keys();
    for name in secrets.filter(|name| !is_former(name)) {
        let reference = Reference::exported("integration", &integration.name, name);
        credentials.insert(name.clone(), reference.to_value());
    }
    credentials
}

/// A file of tables does not keep the order of keys, so a document has one of its own.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let entries = entries.into_iter();
            Value::Object(
                entries
                    .map(|(key, value)| (key.clone(), ordered(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(ordered).collect()),
        plain => plain.clone(),
    }
}

/// Reads credentials by the connector's own rules; none when they break some, which are noted.
pub(super) async fn read(
    plan: &mut Plan<'_>,
    credentials: &Map<String, Value>,
    connector: &str,
    stored: Option<&Integration>,
) -> Result<Option<Credentials>, Problem> {
    let unresolved = unresolved(plan, credentials, stored);
    let Some(stored) = stored else {
        return Ok(read_new(plan, credentials, connector, &unresolved));
    };
    if stored.connector != connector {
        let detail = format!(
            "is `{}` and does not change; give the other integration another name",
            stored.connector
        );
        plan.fields.error("/connector", detail);
        return Ok(None);
    }
    if !unresolved.is_empty() {
        return Ok(None);
    }
    let patch = patch(credentials, stored);
    let in_fields = |(name, value): (&String, &Value)| stored.fields.get(name) == Some(value);
    if patch.iter().all(in_fields) {
        return Ok(Some(Credentials {
            parsed: None,
            changed: Vec::new(),
        }));
    }
    let secrets = plan.app.store().secrets(stored.id).await?;
    Ok(read_change(plan, &patch, stored, &secrets))
}

/// Notes the references that nobody resolved and that have nothing stored to keep.
fn unresolved(
    plan: &mut Plan<'_>,
    credentials: &Map<String, Value>,
    stored: Option<&Integration>,
) -> Vec<String> {
    let mut pointers = Vec::new();
    for (name, value) in credentials {
        let Some(reference) = Reference::of_value(value) else {
            continue;
        };
        let is_stored = stored.is_some_and(|stored| {
            stored.secrets_set.contains_key(name) || stored.fields.contains_key(name)
        });
        if !is_stored {
            let mut pointer = "/credentials".to_owned();
            crate::read::json::push(&mut pointer, name);
            plan.fields.error(&pointer, reference.unresolved());
            pointers.push(pointer);
        }
    }
    pointers
}

fn read_new(
    plan: &mut Plan<'_>,
    credentials: &Map<String, Value>,
    connector: &str,
    unresolved: &[String],
) -> Option<Credentials> {
    let given = credentials
        .iter()
        .filter(|(_, value)| Reference::of_value(value).is_none());
    let given = given
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match connectors::parse(connector, &given, plan.app.egress()) {
        Ok(parsed) => Some(Credentials {
            parsed: Some(parsed),
            changed: Vec::new(),
        }),
        Err(mut errors) => {
            // That a secret is missing was said already, with what to do.
            errors.retain(|error| !unresolved.contains(&error.pointer));
            plan.fields.extend(errors);
            None
        }
    }
}

/// The document's credentials as a change of the stored ones: what it does not name goes, what it refers to stays, and so does
/// a signing secret that is being rotated out.
fn patch(credentials: &Map<String, Value>, stored: &Integration) -> Map<String, Value> {
    let named = stored.fields.keys().chain(stored.secrets_set.keys());
    let gone = named
        .filter(|name| !credentials.contains_key(*name) && !is_former(name))
        .map(|name| (name.clone(), Value::Null));
    let given = credentials
        .iter()
        .filter(|(_, value)| Reference::of_value(value).is_none())
        .map(|(name, value)| (name.clone(), value.clone()));
    gone.chain(given).collect()
}

fn read_change(
    plan: &mut Plan<'_>,
    patch: &Map<String, Value>,
    stored: &Integration,
    secrets: &Secrets,
) -> Option<Credentials> {
    let (app, connector) = (plan.app, &stored.connector);
    let old = without_ended(&stored.fields, secrets, app.now());
    match connectors::change(connector, &old.fields, &old.secrets, patch, app.egress()) {
        Ok(parsed) if parsed == old => Some(Credentials {
            parsed: None,
            changed: Vec::new(),
        }),
        Ok(mut parsed) => {
            let another = signing(&parsed.secrets) != signing(&old.secrets);
            if another && !patch.keys().any(|name| is_former(name)) {
                parsed = without_previous(&parsed.fields, &parsed.secrets);
            }
            let others = parsed.secrets.iter().filter(|(name, secret)| {
                let former = old.secrets.get(*name);
                former.is_some_and(|former| former != *secret)
            });
            let changed = others
                .map(|(name, _)| format!("/credentials/{name}"))
                .collect();
            Some(Credentials {
                parsed: Some(parsed),
                changed,
            })
        }
        Err(errors) => {
            plan.fields.extend(errors);
            None
        }
    }
}

//! What the audit log tells of a change: the fields that differ, old and new; of a secret only that it was set, changed
//! or removed.

use std::collections::BTreeMap;

use domain::access::Actor;
use domain::diff::{FieldChange, diff, field};
use domain::{IntegrationId, Secret, Timestamp};
use serde_json::{Map, Value, json};

use super::Kind;
use super::document::{open_secrets, open_signatures};
use super::revision::{Stored, Touched};
use crate::audit::NewAudit;
use crate::seal::Seal;

/// Who changes something, when, and what it is called.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) action: &'static str,
    /// What is told beside name and changes.
    pub(crate) beside: Map<String, Value>,
}

impl Deed {
    /// A line for each item, in the order in which they were touched.
    pub(crate) fn lines(&self, touched: &[Touched], seal: &Seal) -> Vec<NewAudit> {
        let line = |touched: &Touched| {
            let item = touched.either()?;
            let mut detail = self.beside.clone();
            detail.insert("name".to_owned(), name(item).into());
            detail.insert("changes".to_owned(), told(changes(touched, seal)));
            Some(NewAudit::new(
                self.at,
                &self.actor,
                self.action,
                item.kind.noun(),
                shown_id(item),
                &Value::Object(detail),
            ))
        };
        touched.iter().filter_map(line).collect()
    }
}

fn told(changes: Vec<FieldChange>) -> Value {
    changes
        .into_iter()
        .map(|change| {
            let sides = json!({ "old": change.old, "new": change.new });
            (change.pointer, sides)
        })
        .collect::<Map<_, _>>()
        .into()
}

/// The id as the API prints it. A mapping is known by whom it is for, which its name says.
pub(crate) fn shown_id(item: &Stored) -> String {
    match item.kind {
        Kind::Mapping => item.name_key.clone(),
        _ => domain::EventId::from_bytes(item.id).to_string(),
    }
}

pub(crate) fn name(item: &Stored) -> String {
    let document = read(item);
    let name = document.get("name").and_then(Value::as_str);
    name.map_or_else(|| item.name_key.clone(), str::to_owned)
}

/// The fields that differ. What the store keeps for itself (versions, reports of checks) is not among them.
pub(crate) fn changes(touched: &Touched, seal: &Seal) -> Vec<FieldChange> {
    let face = |side: Option<&Stored>| side.map_or_else(Face::default, |item| Face::of(item, seal));
    let (old, new) = (face(touched.before.as_ref()), face(touched.after.as_ref()));
    let mut changes = diff(&old.shown, &new.shown);
    changes.extend(hidden_changes(&old.hidden, &new.hidden));
    changes.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    changes
}

type Hidden = BTreeMap<String, Secret<Vec<u8>>>;

/// An item as a reader of the audit log may see it, and apart from that what may only be compared.
#[derive(Debug, Default)]
struct Face {
    shown: Value,
    hidden: Hidden,
}

impl Face {
    fn of(item: &Stored, seal: &Seal) -> Self {
        let mut shown = read(item);
        for own in ["id", "created_at"] {
            shown.remove(own);
        }
        let hidden = match item.kind {
            Kind::Integration => {
                for own in ["version", "last_check", "secrets_set"] {
                    shown.remove(own);
                }
                secrets(item, seal)
            }
            Kind::Source => {
                let mut hidden = signatures(item, seal);
                for (part, secret) in [
                    ("header", "value"),
                    ("basic", "password"),
                    ("login", "password"),
                ] {
                    let pointer = field(&field("", part), secret);
                    let digests =
                        shown
                            .get_mut(part)
                            .and_then(Value::as_object_mut)
                            .and_then(|part| {
                                part.remove("last4");
                                part.remove("digests")
                            });
                    hidden.extend(digests.map(|digests| (pointer, only_compared(&digests))));
                }
                hidden
            }
            Kind::Key => {
                let digest = shown.remove("digest");
                let hidden = digest.map(|digest| (field("", "key"), only_compared(&digest)));
                hidden.into_iter().collect()
            }
            Kind::User => {
                let hash = shown.remove("password");
                let hidden = hash.map(|hash| (field("", "password"), only_compared(&hash)));
                hidden.into_iter().collect()
            }
            Kind::Company
            | Kind::CatalogueEntry
            | Kind::EventSet
            | Kind::Rule
            | Kind::Mapping
            | Kind::Silence => Hidden::new(),
        };
        Self {
            shown: shown.into(),
            hidden,
        }
    }
}

/// A document that does not read says nothing here: whoever makes a snapshot of it says that it is corrupt.
fn read(item: &Stored) -> Map<String, Value> {
    serde_json::from_str(&item.document).unwrap_or_default()
}

fn only_compared(value: &Value) -> Secret<Vec<u8>> {
    Secret::new(value.to_string().into_bytes())
}

/// Each secret by its name. A record that does not open, for it was sealed by another key, is compared as it is.
fn secrets(item: &Stored, seal: &Seal) -> Hidden {
    let all = field("", "secrets");
    match open_secrets(
        seal,
        IntegrationId::from_bytes(item.id),
        item.sealed.as_deref(),
    ) {
        Ok(secrets) => secrets
            .iter()
            .map(|(name, secret)| {
                let bytes = secret.reveal().clone().into_bytes();
                (field(&all, name), Secret::new(bytes))
            })
            .collect(),
        Err(_) => closed(all, item),
    }
}

fn signatures(item: &Stored, seal: &Seal) -> Hidden {
    let pointer = field(&field("", "signature"), "secret");
    match open_signatures(seal, item.id, item.sealed.as_deref()) {
        Ok(secrets) if secrets.is_empty() => Hidden::new(),
        Ok(secrets) => {
            let mut joined = Vec::new();
            for secret in &secrets {
                // Each with its length, so that two secrets are not the one that their bytes would make.
                joined.extend(secret.reveal().len().to_be_bytes());
                joined.extend(secret.reveal());
            }
            Hidden::from([(pointer, Secret::new(joined))])
        }
        Err(_) => closed(pointer, item),
    }
}

fn closed(pointer: String, item: &Stored) -> Hidden {
    let sealed = item.sealed.clone().map(Secret::new);
    sealed
        .into_iter()
        .map(|sealed| (pointer.clone(), sealed))
        .collect()
}

fn hidden_changes(old: &Hidden, new: &Hidden) -> Vec<FieldChange> {
    let added = new.keys().filter(|pointer| !old.contains_key(*pointer));
    let change = |pointer: &String| {
        let (was, word) = match (old.get(pointer), new.get(pointer)) {
            (None, _) => (Value::Null, "set"),
            (Some(_), None) => ("set".into(), "removed"),
            (Some(old), Some(new)) if old != new => ("set".into(), "changed"),
            _ => return None,
        };
        Some(FieldChange {
            pointer: pointer.clone(),
            old: was,
            new: word.into(),
        })
    };
    old.keys().chain(added).filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SealingKey;
    use crate::configuration::document::seal_secrets;
    use domain::Dice;
    use domain::integration::Secrets;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn seal() -> Seal {
        Seal::new(&SealingKey::from_bytes([7; 32]))
    }

    fn item(kind: Kind, document: Value, secrets: &[(&str, &str)]) -> Stored {
        let dice = Dice::new(StdRng::seed_from_u64(7));
        let secrets: Secrets = secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())))
            .collect();
        let id = IntegrationId::from_bytes([1; 16]);
        Stored {
            kind,
            id: [1; 16],
            scope: [0; 16],
            name_key: "known by".to_owned(),
            document: document.to_string(),
            sealed: (kind == Kind::Integration).then(|| seal_secrets(&seal(), &dice, id, &secrets)),
        }
    }

    #[track_caller]
    fn check(before: Option<Stored>, after: Option<Stored>, expected: Value) {
        let touched = Touched { before, after };
        assert_eq!(told(changes(&touched, &seal())), expected);
    }

    #[test]
    fn a_secret_is_told_by_its_name_and_fate_alone() {
        let old = item(
            Kind::Integration,
            json!({"name": "Tickets", "version": 1, "secrets_set": {"password": "orse"}}),
            &[
                ("password", "correct horse"),
                ("header_value", "gone"),
                ("same", "same"),
            ],
        );
        let new = item(
            Kind::Integration,
            json!({"name": "Desk", "version": 2, "secrets_set": {"password": "aple"}}),
            &[
                ("password", "battery staple"),
                ("client_key", "new"),
                ("same", "same"),
            ],
        );
        check(
            Some(old),
            Some(new),
            json!({
                "/name": {"old": "Tickets", "new": "Desk"},
                "/secrets/client_key": {"old": null, "new": "set"},
                "/secrets/header_value": {"old": "set", "new": "removed"},
                "/secrets/password": {"old": "set", "new": "changed"},
            }),
        );
    }

    #[test]
    fn a_secret_that_does_not_open_is_only_seen_to_change() {
        let mut old = item(Kind::Integration, json!({}), &[("password", "a")]);
        old.sealed = Some(b"sealed by another key".to_vec());
        let mut new = old.clone();
        check(Some(old.clone()), Some(new.clone()), json!({}));
        new.sealed = Some(b"and by a third".to_vec());
        let expected = json!({"/secrets": {"old": "set", "new": "changed"}});
        check(Some(old), Some(new), expected);
    }

    #[test]
    fn digests_are_not_told() {
        let source = |digest: u8| {
            let header = json!({"key": "x-key", "digests": [[digest, digest]]});
            item(Kind::Source, json!({"name": "Door", "header": header}), &[])
        };
        let expected = json!({"/header/value": {"old": "set", "new": "changed"}});
        check(Some(source(77)), Some(source(78)), expected);
        check(
            None,
            Some(item(
                Kind::Key,
                json!({"name": "CI", "digest": [77, 78]}),
                &[],
            )),
            json!({"/name": {"old": null, "new": "CI"}, "/key": {"old": null, "new": "set"}}),
        );
    }

    #[test]
    fn a_hash_of_a_password_is_not_told() {
        let user = |hash: &str| item(Kind::User, json!({"name": "Anna", "password": hash}), &[]);
        check(
            Some(user("$argon2id$one")),
            Some(user("$argon2id$two")),
            json!({"/password": {"old": "set", "new": "changed"}}),
        );
    }

    #[test]
    fn a_line_says_what_was_done_to_what() {
        let deed = Deed {
            at: Timestamp::from_micros(1),
            actor: Actor::Local,
            action: "update",
            beside: Map::from_iter([("ok".to_owned(), true.into())]),
        };
        let (before, after) = (
            item(Kind::Company, json!({"name": "Acme"}), &[]),
            item(Kind::Company, json!({"name": "Globex"}), &[]),
        );
        let touched = Touched {
            before: Some(before),
            after: Some(after),
        };
        let lines = deed.lines(&[touched], &seal());
        let detail: Value = serde_json::from_str(&lines[0].detail).unwrap();
        let changes = json!({"/name": {"old": "Acme", "new": "Globex"}});
        assert_eq!(
            detail,
            json!({"ok": true, "name": "Globex", "changes": changes})
        );
        assert_eq!((lines[0].what, lines.len()), ("company", 1));
    }
}

//! Secrets as forms give them: the secret itself, or a reference to it.

use std::fmt;

use domain::Secret;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A secret of a form. It is never written out again: an export writes references alone.
#[derive(Debug, Clone)]
pub(crate) enum GivenSecret {
    Itself(Secret<String>),
    /// Whoever sent the form could not or would not look the secret up: what is stored stays.
    Kept(Reference),
}

/// Where a secret is to be found on the machine of whoever applies a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A variable of the environment.
    Env(String),
    /// A file.
    File(String),
}

impl Reference {
    /// The reference that an export writes for a secret of a thing: a variable that no other thing's secret has.
    pub(crate) fn exported(what: &str, name: &str, field: &str) -> Self {
        use sha2::{Digest as _, Sha256};
        use std::fmt::Write as _;
        let upper = |text: &str| -> String {
            let kept = |c: char| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            };
            text.chars().map(kept).collect()
        };
        let mut variable = format!("ALERTWIRE_SECRET_{}_{}_", upper(what), upper(name));
        // Names differ in more than a variable's letters can say; the hash tells those apart.
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
        if !plain {
            let hash = Sha256::digest(domain::company::name_key(name));
            for byte in &hash[..4] {
                let _ = write!(variable, "{byte:02X}");
            }
            variable.push('_');
        }
        variable.push_str(&upper(field));
        Self::Env(variable)
    }

    /// The reference that a JSON value is, if it is one.
    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        let mut entries = value.as_object()?.iter();
        match (entries.next(), entries.next()) {
            (Some((key, Value::String(place))), None) => match key.as_str() {
                "env" => Some(Self::Env(place.clone())),
                "file" => Some(Self::File(place.clone())),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Env(name) => serde_json::json!({"env": name}),
            Self::File(path) => serde_json::json!({"file": path}),
        }
    }

    /// What is wrong when there is nothing stored to keep.
    pub(crate) fn unresolved(&self) -> String {
        let shown = |text: &String| text.chars().take(128).collect::<String>();
        match self {
            Self::Env(name) => format!(
                "no secret is stored yet: set the variable {} where the file is applied, or give the secret itself",
                shown(name)
            ),
            Self::File(path) => format!(
                "no secret is stored yet: the file {} has to be there where the file is applied, or give the secret itself",
                shown(path)
            ),
        }
    }
}

impl Serialize for GivenSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Itself(_) => serializer.serialize_str("[hidden]"),
            Self::Kept(reference) => reference.to_value().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for GivenSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// An untagged enum would do as well, but its errors say nothing.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = GivenSecret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a reference {\"env\": …} or {\"file\": …}")
    }

    fn visit_str<E>(self, text: &str) -> Result<GivenSecret, E> {
        Ok(GivenSecret::Itself(Secret::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<GivenSecret, E> {
        Ok(GivenSecret::Itself(Secret::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GivenSecret, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            object.insert(key, value);
        }
        let reference = Reference::of_value(&Value::Object(object));
        reference
            .map(GivenSecret::Kept)
            .ok_or_else(|| A::Error::custom("a reference has one key, `env` or `file`, and a text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> String {
        match Reference::exported("integration", name, "header_value") {
            Reference::Env(name) => name,
            Reference::File(_) => panic!("an export names variables"),
        }
    }

    #[test]
    fn names_that_look_alike_have_variables_of_their_own() {
        assert_eq!(
            variable("Desk 1"),
            "ALERTWIRE_SECRET_INTEGRATION_DESK_1_HEADER_VALUE"
        );
        let alike = ["Desk 1", "Desk-1", "Desk_1", "Dësk 1", "Désk 1"];
        let variables: std::collections::BTreeSet<_> = alike.map(variable).into();
        assert_eq!(variables.len(), alike.len(), "{variables:?}");
        let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(variables.iter().all(|name| name.chars().all(good)));
    }

    #[test]
    fn a_secret_is_a_text_or_a_reference_and_is_never_written() {
        let read = |text: &str| serde_json::from_str::<GivenSecret>(text);
        let given = read("\"hush\"").unwrap();
        assert_eq!(serde_json::to_string(&given).unwrap(), "\"[hidden]\"");
        let kept = read(r#"{"env": "A"}"#).unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), r#"{"env":"A"}"#);
        for bad in ["5", "{}", r#"{"env": 5}"#, r#"{"env": "A", "file": "b"}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

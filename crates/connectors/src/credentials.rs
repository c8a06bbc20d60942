//! The API's `credentials` object: read strictly, every broken rule named by its JSON pointer.

use std::collections::BTreeMap;

use domain::Secret;
use domain::catalogue::nearest;
use domain::integration::{Fields, Secrets};
use egress::Egress;
use serde_json::{Map, Value};

use crate::{rotation, webhook};

/// Most bytes of one text in the credentials; certificates and keys have bounds of their own.
pub const LONGEST: usize = 4 * 1_024;

/// A broken rule, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// RFC 6901, from the root of the integration: `/credentials/header_key`.
    pub pointer: String,
    pub detail: String,
}

impl FieldError {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    pub(crate) fn of(field: &str, detail: impl Into<String>) -> Self {
        Self::new(format!("/credentials/{field}"), detail)
    }
}

/// Good credentials, the secret ones apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub fields: Fields,
    pub secrets: Secrets,
}

impl Parsed {
    /// The names of the secrets, with the last four characters of each.
    #[must_use]
    pub fn secrets_set(&self) -> BTreeMap<String, String> {
        self.secrets
            .iter()
            .map(|(name, secret)| (name.clone(), secret.last4()))
            .collect()
    }
}

/// The connectors there are.
#[must_use]
pub fn known() -> &'static [&'static str] {
    &[webhook::NAME]
}

/// Reads the credentials of a new integration.
pub fn parse(
    connector: &str,
    credentials: &Map<String, Value>,
    egress: &Egress,
) -> Result<Parsed, Vec<FieldError>> {
    expect_known(connector)?;
    webhook::settings::parse(credentials, egress)
}

/// Reads a change of stored credentials: a key of `patch` replaces, `null` removes, what is not named stays.
///
/// When scheme, host or port of a URL changes, no stored secret is carried over: each must be typed again or removed.
pub fn change(
    connector: &str,
    stored: &Fields,
    secrets: &Secrets,
    patch: &Map<String, Value>,
    egress: &Egress,
) -> Result<Parsed, Vec<FieldError>> {
    expect_known(connector)?;
    let mut whole = stored.clone();
    let mut errors = Vec::new();
    let moved = webhook::settings::URLS
        .iter()
        .any(|field| moves(field, stored, patch));
    for (name, secret) in secrets
        .iter()
        .filter(|(name, _)| !patch.contains_key(*name))
    {
        if moved {
            errors.push(FieldError::of(
                name,
                "has to be typed again (or be null), for scheme, host or port of a URL has changed",
            ));
        } else {
            whole.insert(name.clone(), Value::String(secret.reveal().clone()));
        }
    }
    if patch.contains_key(rotation::PREVIOUS) {
        // Its end is that of the secret which goes.
        whole.remove(rotation::PREVIOUS_UNTIL);
    }
    for (name, value) in patch {
        if value.is_null() {
            whole.remove(name);
        } else {
            whole.insert(name.clone(), value.clone());
        }
    }
    match webhook::settings::parse(&whole, egress) {
        Ok(parsed) if errors.is_empty() => Ok(parsed),
        Ok(_) => Err(errors),
        Err(more) => {
            let known: Vec<_> = errors.iter().map(|error| error.pointer.clone()).collect();
            errors.extend(
                more.into_iter()
                    .filter(|error| !known.contains(&error.pointer)),
            );
            Err(errors)
        }
    }
}

/// Whether the patch points a URL at another scheme, host or port.
fn moves(field: &str, stored: &Fields, patch: &Map<String, Value>) -> bool {
    let origin = |value: Option<&Value>| {
        let url = value
            .and_then(Value::as_str)
            .and_then(|text| url::Url::parse(text.trim()).ok())?;
        Some((
            url.scheme().to_owned(),
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
        ))
    };
    // A URL that goes away takes no secret anywhere; one that is new gets what was typed for another place.
    patch
        .get(field)
        .is_some_and(|new| !new.is_null() && origin(Some(new)) != origin(stored.get(field)))
}

fn expect_known(connector: &str) -> Result<(), Vec<FieldError>> {
    if known().contains(&connector) {
        return Ok(());
    }
    let shown: String = connector.chars().take(64).collect();
    let hint = match nearest(connector, known().iter().copied()) {
        Some(name) => format!("`{shown}` is no connector; did you mean `{name}`?"),
        None => format!("`{shown}` is no connector; there is {}", known().join(", ")),
    };
    Err(vec![FieldError::new("/connector", hint)])
}

/// Reads texts out of one object and gathers what is wrong.
pub(crate) struct Reader<'a> {
    object: &'a Map<String, Value>,
    pointer: &'a str,
    pub(crate) errors: Vec<FieldError>,
}

impl<'a> Reader<'a> {
    /// Refuses keys that are not `known`.
    pub(crate) fn new(object: &'a Map<String, Value>, pointer: &'a str, known: &[&str]) -> Self {
        let mut reader = Self {
            object,
            pointer,
            errors: Vec::new(),
        };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let shown: String = name.chars().take(64).collect();
            let hint = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("is not a field; did you mean `{meant}`?"),
                None => format!("is not a field; the fields are {}", known.join(", ")),
            };
            reader.error(&shown, hint);
        }
        reader
    }

    pub(crate) fn error(&mut self, field: &str, detail: impl Into<String>) {
        let field = field.replace('~', "~0").replace('/', "~1");
        self.errors
            .push(FieldError::new(format!("{}/{field}", self.pointer), detail));
    }

    /// A text; an empty one and `null` are none, for that is what an empty input of a form sends.
    pub(crate) fn text(&mut self, field: &str) -> Option<&'a str> {
        self.text_within(field, LONGEST)
    }

    /// A text of at most so many bytes.
    pub(crate) fn text_within(&mut self, field: &str, longest: usize) -> Option<&'a str> {
        match self.object.get(field)? {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) if text.len() > longest => {
                self.error(field, format!("has more than {longest} bytes"));
                None
            }
            Value::String(text) => Some(text),
            _ => {
                self.error(field, "is a text");
                None
            }
        }
    }

    /// Any value; what [`Reader::text`] takes for none is none here too.
    pub(crate) fn value(&self, field: &str) -> Option<&'a Value> {
        self.object
            .get(field)
            .filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&mut self, field: &str, choices: &[(&str, T)]) -> Option<T> {
        let word = self.text(field)?;
        let found = choices
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.error(field, format!("is one of {}", names.join(", ")));
        }
        found
    }
}

/// Puts a secret among the others.
pub(crate) fn keep(secrets: &mut Secrets, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        secrets.insert(name.to_owned(), Secret::new(value.to_owned()));
    }
}

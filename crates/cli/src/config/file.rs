//! The configuration file: TOML, read into one flat list of keys and texts.

use std::collections::BTreeMap;

use alertwire_catalogue::nearest;
use toml::Value;

use super::key::{KEYS, Key};
use crate::exit::Failure;

/// Longest configuration file, in bytes.
pub(crate) const LONGEST: u64 = 1024 * 1024;

/// The keys of a file and what it says of each. `name` is the file's, for messages.
pub(crate) fn parse(name: &str, text: &str) -> Result<BTreeMap<&'static str, String>, Failure> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        Failure::config(format!(
            "{name} is not TOML: {}",
            error.to_string().trim_end()
        ))
    })?;
    let mut values = BTreeMap::new();
    for (top, value) in table {
        match value {
            Value::Table(section) if is_section(&top) => {
                for (bare, value) in section {
                    set(&mut values, name, &format!("{top}.{bare}"), value)?;
                }
            }
            value => set(&mut values, name, &top, value)?,
        }
    }
    Ok(values)
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.section() == Some(name))
}

fn set(
    values: &mut BTreeMap<&'static str, String>,
    file: &str,
    name: &str,
    value: Value,
) -> Result<(), Failure> {
    let key = Key::find(name)
        .ok_or_else(|| unknown(&format!("{file}: there is no key `{name}`"), name))?;
    let text = written(value).ok_or_else(|| {
        Failure::config(format!(
            "{file}: `{name}` is a text, a number or a list of texts"
        ))
        .help("`alertwire config init` prints an example of every key")
    })?;
    values.insert(key.name, text);
    Ok(())
}

/// An unknown key with the nearest name.
pub(crate) fn unknown(message: &str, name: &str) -> Failure {
    // The right key under the wrong section is further away by letters than by meaning.
    let bare = name.rsplit('.').next().unwrap_or(name);
    let moved = KEYS
        .iter()
        .find(|key| key.bare() == bare)
        .map(|key| key.name);
    let sections = KEYS.iter().filter_map(Key::section);
    let near = nearest(name, KEYS.iter().map(|key| key.name).chain(sections));
    Failure::config(message).nearest(moved.or(near))
}

/// A value as it would be written in the environment.
fn written(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(switch) => Some(switch.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.into_iter().map(written).collect();
            items.map(|items| items.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_keys_and_texts() {
        let text = "listen = '0.0.0.0:80'\n[egress]\nallow = ['10.0.0.0/8', 'psa.corp:8443']\nconnections = 12\n";
        let values = parse("a.toml", text).unwrap();
        assert_eq!(values["listen"], "0.0.0.0:80");
        assert_eq!(values["egress.allow"], "10.0.0.0/8,psa.corp:8443");
        assert_eq!(values["egress.connections"], "12");
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        for (text, near) in [
            ("listn = 'x'", "`listen`"),
            ("[egress]\nalow = 'x'", "`egress.allow`"),
            ("[egres]\nallow = 'x'", "`egress"),
            ("[store]\nallow = 'x'", "`egress.allow`"),
        ] {
            let failure = parse("a.toml", text).unwrap_err();
            assert_eq!(failure.code, crate::exit::Code::Config);
            assert!(failure.to_string().contains(near), "{failure}");
        }
    }
}

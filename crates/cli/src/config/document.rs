//! A configuration document for a server, as `alertwire apply` reads it: TOML or JSON, its references to secrets looked up here,
//! where it is applied.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::environment::{Environment, PREFIX};
use super::files;
use crate::exit::{Code, Failure};

/// Longest document, in bytes; a server takes no longer one.
pub(crate) const LONGEST: u64 = 32 * 1024 * 1024;
/// Longest secret in a file, in bytes.
const LONGEST_SECRET: u64 = 64 * 1024;
/// What the names of variables with secrets begin with, after our own prefix: a document must not be able to send other
/// variables of this machine, an API key for example, to wherever it says.
const SECRETS: &str = "SECRET_";

/// The document of a file. References that lead nowhere on this machine are left as they are: for the server they mean what
/// it has stored.
pub(crate) fn read(path: &Path, environment: &Environment) -> Result<Value, Failure> {
    let text = files::text(path, LONGEST)?;
    let mut document = parse(&path.display().to_string(), &text)?;
    let lookup = Lookup {
        folder: path.parent().map_or_else(PathBuf::new, Path::to_path_buf),
        environment,
    };
    lookup.resolve(&mut document, "")?;
    Ok(document)
}

/// JSON begins with a brace, which TOML cannot.
fn parse(name: &str, text: &str) -> Result<Value, Failure> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| Failure::data(format!("{name} is not JSON: {error}")));
    }
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        Failure::data(format!(
            "{name} is not TOML: {}",
            error.to_string().trim_end()
        ))
    })?;
    Ok(json(toml::Value::Table(table)))
}

/// TOML as the JSON that the server takes; a point in time is a text there.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(switch) => switch.into(),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        toml::Value::Table(table) => {
            let entries = table.into_iter();
            Value::Object(entries.map(|(key, value)| (key, json(value))).collect())
        }
    }
}

struct Lookup<'a> {
    /// Paths in the document are meant from here.
    folder: PathBuf,
    environment: &'a Environment,
}

impl Lookup<'_> {
    /// Puts what references lead to in their places. The depth is that of the document, which its parser has bounded.
    fn resolve(&self, value: &mut Value, pointer: &str) -> Result<(), Failure> {
        if let Some(found) = self.look_up(value, pointer)? {
            *value = Value::String(found);
            return Ok(());
        }
        match value {
            Value::Object(object) => object
                .iter_mut()
                .try_for_each(|(key, value)| self.resolve(value, &format!("{pointer}/{key}"))),
            Value::Array(items) => items
                .iter_mut()
                .enumerate()
                .try_for_each(|(index, value)| self.resolve(value, &format!("{pointer}/{index}"))),
            _ => Ok(()),
        }
    }

    fn look_up(&self, value: &Value, pointer: &str) -> Result<Option<String>, Failure> {
        match value.as_object().and_then(reference) {
            Some(("env", name)) => self.variable(name, pointer),
            Some(("file", path)) => self.file(path, pointer),
            _ => Ok(None),
        }
    }

    fn variable(&self, name: &str, pointer: &str) -> Result<Option<String>, Failure> {
        let ours = name
            .strip_prefix(PREFIX)
            .filter(|ours| ours.starts_with(SECRETS));
        match ours {
            Some(ours) => Ok(self.environment.get(ours).map(str::to_owned)),
            None => Err(Failure::data(format!(
                "{pointer}: `{name}` is no variable of a secret; their names begin with {PREFIX}{SECRETS}"
            ))),
        }
    }

    fn file(&self, path: &str, pointer: &str) -> Result<Option<String>, Failure> {
        match files::text(&self.folder.join(path), LONGEST_SECRET) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(failure) if failure.code == Code::NoInput => Ok(None),
            Err(failure) => Err(failure.at(pointer)),
        }
    }
}

/// `{env = NAME}` or `{file = PATH}`.
fn reference(object: &Map<String, Value>) -> Option<(&str, &str)> {
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((key, Value::String(place))), None) => Some((key, place)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_text(text: &str, variables: &[(&str, &str)]) -> Result<Value, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "from a file\n").unwrap();
        let path = folder.path().join("document");
        std::fs::write(&path, text).unwrap();
        read(&path, &Environment::of(variables))
    }

    #[test]
    fn references_are_looked_up_where_the_document_is_read() {
        let text = "[[integrations]]\nname = 'A'\n[integrations.credentials]\n\
                    one = { env = 'ALERTWIRE_SECRET_ONE' }\ntwo = { file = 'secret' }\n\
                    three = { env = 'ALERTWIRE_SECRET_THREE' }\nfour = { file = 'nowhere' }\nfive = 'as it is'\n";
        let document = read_text(text, &[("ALERTWIRE_SECRET_ONE", "from a variable")]).unwrap();
        assert_eq!(
            document["integrations"][0]["credentials"],
            json!({
                "one": "from a variable", "two": "from a file", "five": "as it is",
                "three": {"env": "ALERTWIRE_SECRET_THREE"}, "four": {"file": "nowhere"},
            })
        );
    }

    #[test]
    fn json_and_toml_say_the_same() {
        let toml = read_text(
            "[[companies]]\nname = 'A'\nquota.events_per_second = 5\n",
            &[],
        );
        let json = read_text(
            r#" {"companies": [{"name": "A", "quota": {"events_per_second": 5}}]}"#,
            &[],
        );
        assert_eq!(toml.unwrap(), json.unwrap());
    }

    #[test]
    fn a_document_reaches_no_other_variable() {
        for name in ["ALERTWIRE_API_KEY", "HOME", "SECRET_X"] {
            let text = format!("a = {{ env = '{name}' }}");
            let failure = read_text(&text, &[("ALERTWIRE_API_KEY", "key")]).unwrap_err();
            assert_eq!(failure.code, Code::Data);
            let told = failure.to_string();
            assert!(
                told.contains("/a") && told.contains("ALERTWIRE_SECRET_"),
                "{told}"
            );
        }
    }

    #[test]
    fn what_is_neither_toml_nor_json_is_told() {
        for (text, word) in [("{\"a\": }", "JSON"), ("a = ", "TOML")] {
            let failure = read_text(text, &[]).unwrap_err();
            assert!(failure.to_string().contains(word), "{failure}");
        }
    }
}

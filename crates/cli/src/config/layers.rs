//! Who says what: flags over environment over file over default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::{Environment, OTHERS, PREFIX};
use super::key::{KEYS, Key, Sort};
use super::{file, files, places};
use crate::exit::Failure;

/// Longest secret or value that is read from a file, in bytes.
const LONGEST_VALUE: u64 = 64 * 1024;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    /// The variable's name.
    Variable(String),
    File(PathBuf),
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Default => f.write_str("default"),
        }
    }
}

/// All keys with the value that won.
#[derive(Debug)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, (String, Origin)>,
    pub(crate) environment: Environment,
    /// The file that was read, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Variables that bear our prefix and mean nothing.
    pub(crate) ignored: Vec<String>,
}

/// What the command line said: keys and texts, as given.
pub(crate) type Flags = Vec<(String, String)>;

impl Layers {
    /// Gathers all layers. `named` is the file that `--config` names.
    pub(crate) fn gather(named: Option<&Path>, flags: Flags) -> Result<Self, Failure> {
        Self::of(Environment::of_process()?, named, flags)
    }

    pub(crate) fn of(
        environment: Environment,
        named: Option<&Path>,
        flags: Flags,
    ) -> Result<Self, Failure> {
        let mut layers = Self {
            values: BTreeMap::new(),
            file: None,
            ignored: Vec::new(),
            environment,
        };
        layers.defaults();
        layers.read_file(named)?;
        layers.read_environment()?;
        layers.read_flags(flags)?;
        Ok(layers)
    }

    /// Defaults and flags alone, whatever this machine says: the demo's own instances.
    pub(crate) fn bare(flags: Flags) -> Result<Self, Failure> {
        let mut layers = Self {
            values: BTreeMap::new(),
            file: None,
            ignored: Vec::new(),
            environment: Environment::default(),
        };
        layers.defaults();
        layers.read_flags(flags)?;
        Ok(layers)
    }

    /// What holds for a key, and who said it. An empty text means that nobody did.
    pub(crate) fn get(&self, name: &str) -> (&str, &Origin) {
        self.values
            .get(name)
            .map_or(("", &Origin::Default), |(value, origin)| {
                (value.as_str(), origin)
            })
    }

    fn defaults(&mut self) {
        self.values = KEYS
            .iter()
            .map(|key| (key.name, (key.default.to_owned(), Origin::Default)))
            .collect();
    }

    fn read_flags(&mut self, flags: Flags) -> Result<(), Failure> {
        for (name, value) in flags {
            let key = Key::find(&name)
                .ok_or_else(|| file::unknown(&format!("there is no key `{name}`"), &name))?;
            self.values.insert(key.name, (value, Origin::Flag));
        }
        Ok(())
    }

    fn read_file(&mut self, named: Option<&Path>) -> Result<(), Failure> {
        let Some(path) = places::configuration_file(named, &self.environment) else {
            return Ok(());
        };
        let text = files::text(&path, file::LONGEST).map_err(Failure::of_config)?;
        for (name, value) in file::parse(&path.display().to_string(), &text)? {
            let value = beside(&path, name, value);
            self.values
                .insert(name, (value, Origin::File(path.clone())));
        }
        self.file = Some(path);
        Ok(())
    }

    fn read_environment(&mut self) -> Result<(), Failure> {
        for name in self
            .environment
            .names()
            .map(str::to_owned)
            .collect::<Vec<_>>()
        {
            if OTHERS.contains(&name.as_str()) {
                continue;
            }
            let variable = format!("{PREFIX}{name}");
            if let Some(key) = key_of(&name) {
                if let Some(value) = self.environment.get(&name) {
                    self.values
                        .insert(key.name, (value.to_owned(), Origin::Variable(variable)));
                }
            } else if let Some(key) = name.strip_suffix("_FILE").and_then(key_of) {
                self.read_value_file(key, &name, variable)?;
            } else {
                self.unknown_variable(&name, variable)?;
            }
        }
        Ok(())
    }

    /// `…_FILE`: the value stands in a file. Of a key that is itself a path, the variable simply names it.
    fn read_value_file(
        &mut self,
        key: &'static Key,
        name: &str,
        variable: String,
    ) -> Result<(), Failure> {
        let Some(path) = self.environment.get(name) else {
            return Ok(());
        };
        if self
            .environment
            .get(name.trim_end_matches("_FILE"))
            .is_some()
        {
            return Err(Failure::config(format!(
                "both {variable} and {} are set; set one",
                key.variable()
            )));
        }
        let value = match key.sort {
            Sort::Path => path.to_owned(),
            _ => value_file(Path::new(path))?,
        };
        self.values
            .insert(key.name, (value, Origin::Variable(variable)));
        Ok(())
    }

    /// A likely slip of the pen is an error; what is like nothing of ours was set by somebody else for himself.
    fn unknown_variable(&mut self, name: &str, variable: String) -> Result<(), Failure> {
        let known: Vec<String> = KEYS
            .iter()
            .flat_map(|key| [key.variable(), format!("{}_FILE", key.variable())])
            .chain(OTHERS.map(|other| format!("{PREFIX}{other}")))
            .map(|variable| variable[PREFIX.len()..].to_owned())
            .collect();
        let near = alertwire_catalogue::nearest(name, known.iter().map(String::as_str));
        if near.is_none() && !name.contains("__") {
            self.ignored.push(variable);
            return Ok(());
        }
        let near = near.map(|near| format!("{PREFIX}{near}"));
        Err(Failure::config(format!("there is no setting {variable}")).nearest(near.as_deref()))
    }
}

fn key_of(name: &str) -> Option<&'static Key> {
    KEYS.iter()
        .find(|key| key.variable()[PREFIX.len()..] == *name)
}

/// A secret or value from a file, without the line break at its end.
pub(crate) fn value_file(path: &Path) -> Result<String, Failure> {
    let text = files::text(path, LONGEST_VALUE).map_err(Failure::of_config)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A relative path in the file is meant from the file's own folder.
fn beside(file: &Path, name: &str, value: String) -> String {
    let is_path = Key::find(name).is_some_and(|key| key.sort == Sort::Path);
    match file.parent().filter(|_| is_path && !value.is_empty()) {
        Some(folder) => folder.join(value).display().to_string(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    fn layers(
        pairs: &[(&str, &str)],
        file: Option<&Path>,
        flags: &[(&str, &str)],
    ) -> Result<Layers, Failure> {
        let flags = flags
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Layers::of(Environment::of(pairs), file, flags)
    }

    #[test]
    fn flags_win_over_environment_over_file_over_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alertwire.toml");
        std::fs::write(&path, "listen = 'file:1'\nroles = ['web']\npublic_url = 'https://file'\ncatalogue_dir = 'kinds'\n").unwrap();
        let found = layers(
            &[
                ("ALERTWIRE_LISTEN", "environment:1"),
                ("ALERTWIRE_ROLES", "dispatch"),
                ("ALERTWIRE_DATABASE", ""),
            ],
            Some(&path),
            &[("listen", "flag:1")],
        )
        .unwrap();
        assert_eq!(found.get("listen"), ("flag:1", &Origin::Flag));
        assert_eq!(
            found.get("roles"),
            ("dispatch", &Origin::Variable("ALERTWIRE_ROLES".into()))
        );
        assert_eq!(
            found.get("public_url"),
            ("https://file", &Origin::File(path))
        );
        assert_eq!(
            found.get("catalogue_dir").0,
            folder.path().join("kinds").display().to_string()
        );
        assert_eq!(found.get("database"), ("", &Origin::Default));
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hush hush hush hush\n").unwrap();
        let path = path.display().to_string();
        let found = layers(&[("ALERTWIRE_SETUP__API_KEY_FILE", &path)], None, &[]).unwrap();
        assert_eq!(found.get("setup.api_key").0, "hush hush hush hush");
        let twice = [
            ("ALERTWIRE_SETUP__API_KEY_FILE", path.as_str()),
            ("ALERTWIRE_SETUP__API_KEY", "x"),
        ];
        assert!(
            layers(&twice, None, &[])
                .unwrap_err()
                .to_string()
                .contains("both")
        );
    }

    #[test]
    fn a_misspelt_variable_is_an_error_and_a_foreign_one_is_not() {
        let failure = layers(&[("ALERTWIRE_LISTN", "x")], None, &[]).unwrap_err();
        assert!(
            failure.to_string().contains("`ALERTWIRE_LISTEN`"),
            "{failure}"
        );
        let failure = layers(&[("ALERTWIRE_EGRESS__ALOW", "x")], None, &[]).unwrap_err();
        assert!(
            failure.to_string().contains("`ALERTWIRE_EGRESS__ALLOW`"),
            "{failure}"
        );
        let kubernetes = [
            ("ALERTWIRE_PORT", "tcp://10.0.0.1:80"),
            ("ALERTWIRE_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("ALERTWIRE_SERVICE_HOST", "10.0.0.1"),
            ("ALERTWIRE_TEST_POSTGRES", "postgres://x"),
            ("ALERTWIRE_URL", "http://localhost:8080"),
        ];
        assert!(layers(&kubernetes, None, &[]).unwrap().ignored.is_empty());
        assert_eq!(
            layers(&[("ALERTWIRE_ZZZZZZZZ", "1")], None, &[])
                .unwrap()
                .ignored,
            ["ALERTWIRE_ZZZZZZZZ"]
        );
    }

    #[test]
    fn a_named_file_that_is_not_there_is_a_bad_configuration() {
        let failure = layers(&[], Some(Path::new("/nowhere/alertwire.toml")), &[]).unwrap_err();
        assert_eq!(failure.code, Code::Config);
    }
}

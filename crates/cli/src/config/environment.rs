//! The environment: read once, here, and nowhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::exit::Failure;

pub(crate) const PREFIX: &str = "ALERTWIRE_";

/// Variables with our prefix that are no settings: where the client commands find the server, where the file is.
pub(crate) const OTHERS: [&str; 6] = [
    "URL",
    "API_KEY",
    "API_KEY_FILE",
    "CA",
    "CONFIG",
    "SETUP_TOKEN",
];

/// Prefixes (after ours) of what is no setting: what test and measuring programs set for themselves, and the secrets that a
/// document for `alertwire apply` refers to.
const FOREIGN: [&str; 3] = ["TEST_", "BENCH_", "SECRET_"];

/// What of the environment is ours to know.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// `ALERTWIRE_…` without the prefix.
    ours: BTreeMap<String, String>,
    /// The few others that say where files belong.
    places: BTreeMap<&'static str, PathBuf>,
}

/// Who says where files belong: systemd first, then the XDG base directories.
const PLACES: [&str; 5] = [
    "STATE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
    "HOME",
];

impl Environment {
    /// The environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(crate) fn of_process() -> Result<Self, Failure> {
        let mut ours = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let value = value.into_string().map_err(|_| {
                Failure::config(format!("the variable {PREFIX}{name} is not UTF-8 text"))
            })?;
            ours.insert(name.to_owned(), value);
        }
        let place = |name| std::env::var_os(name).map(|value| (name, PathBuf::from(value)));
        Ok(Self {
            ours,
            places: PLACES.into_iter().filter_map(place).collect(),
        })
    }

    /// The variable `ALERTWIRE_name`. An empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.ours
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Names of all our variables, without the prefix.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.ours
            .keys()
            .map(String::as_str)
            .filter(|name| !is_foreign(name))
    }

    /// The first folder of a variable such as `STATE_DIRECTORY`; a relative one is ignored, as the XDG rules ask.
    pub(crate) fn place(&self, name: &'static str) -> Option<PathBuf> {
        let text = self.places.get(name)?;
        let first = match text.to_str().filter(|_| name.ends_with("_DIRECTORY")) {
            Some(list) => PathBuf::from(list.split(':').next().unwrap_or(list)),
            None => text.clone(),
        };
        first.is_absolute().then_some(first)
    }

    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            match (
                name.strip_prefix(PREFIX),
                PLACES.iter().find(|place| *place == name),
            ) {
                (Some(name), _) => drop(
                    environment
                        .ours
                        .insert(name.to_owned(), (*value).to_owned()),
                ),
                (None, Some(place)) => drop(environment.places.insert(place, PathBuf::from(value))),
                (None, None) => panic!("{name} is not read"),
            }
        }
        environment
    }
}

/// Set by somebody else: Kubernetes adds `…_SERVICE_HOST`, `…_SERVICE_PORT` and `…_PORT` for a service called alertwire.
fn is_foreign(name: &str) -> bool {
    FOREIGN.iter().any(|prefix| name.starts_with(prefix))
        || name.starts_with("SERVICE_")
        || name.contains("_SERVICE_")
        || name == "PORT"
        || name.starts_with("PORT_")
        || name.contains("_PORT_")
}

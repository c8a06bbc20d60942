//! Where files belong: what systemd says first, then the XDG base directories, then the defaults of those.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::exit::Failure;

const FILE: &str = "alertwire.toml";

/// The configuration file: the named one, else the first of the usual places that has one.
pub(crate) fn configuration_file(
    named: Option<&Path>,
    environment: &Environment,
) -> Option<PathBuf> {
    let named = named
        .map(Path::to_owned)
        .or_else(|| environment.get("CONFIG").map(PathBuf::from));
    named.or_else(|| {
        usual_files(environment)
            .into_iter()
            .find(|path| path.is_file())
    })
}

fn usual_files(environment: &Environment) -> Vec<PathBuf> {
    let systemd = environment
        .place("CONFIGURATION_DIRECTORY")
        .map(|folder| folder.join(FILE));
    let xdg = environment
        .place("XDG_CONFIG_HOME")
        .or_else(|| environment.place("HOME").map(|home| home.join(".config")));
    let system = PathBuf::from("/etc/alertwire").join(FILE);
    [
        systemd,
        xdg.map(|folder| folder.join("alertwire").join(FILE)),
        Some(system),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The state folder when no setting names one.
pub(crate) fn state_folder(environment: &Environment) -> Result<PathBuf, Failure> {
    let xdg = environment
        .place("XDG_STATE_HOME")
        .map(|folder| folder.join("alertwire"));
    let home = environment
        .place("HOME")
        .map(|home| home.join(".local/state/alertwire"));
    environment
        .place("STATE_DIRECTORY")
        .or(xdg)
        .or(home)
        .ok_or_else(|| {
            Failure::config(
                "there is no state folder: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set",
            )
            .help("name one with --state-dir or ALERTWIRE_STATE_DIR")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_goes_before_xdg_before_home() {
        let folder = |pairs: &[(&str, &str)]| state_folder(&Environment::of(pairs)).ok();
        let all = [
            ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"),
            ("XDG_STATE_HOME", "/x"),
            ("HOME", "/h"),
        ];
        assert_eq!(folder(&all), Some("/var/lib/a".into()));
        assert_eq!(folder(&all[1..]), Some("/x/alertwire".into()));
        assert_eq!(folder(&all[2..]), Some("/h/.local/state/alertwire".into()));
        assert_eq!(
            folder(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]),
            Some("/h/.local/state/alertwire".into())
        );
        assert_eq!(folder(&[]), None);
    }
}

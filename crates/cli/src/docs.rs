//! Holds `docs/configuration.md` and `docs/cli.md` to what the code has.

use clap::CommandFactory as _;

use crate::arguments::Arguments;
use crate::config::key::{KEYS, Key};

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const CLI: &str = include_str!("../../../docs/cli.md");

fn row(key: &Key) -> String {
    let flag = key
        .flag
        .map_or_else(String::new, |flag| format!("`--{flag}`"));
    let default = if key.default.is_empty() {
        String::new()
    } else {
        format!("`{}`", key.default)
    };
    format!(
        "| `{}` | `{}` | {flag} | {default} | {} |",
        key.name,
        key.variable(),
        key.about
    )
}

#[test]
fn every_key_stands_in_its_page_as_it_is() {
    let missing: Vec<String> = KEYS
        .iter()
        .map(row)
        .filter(|row| !CONFIGURATION.contains(row.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/configuration.md lacks these rows:\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_page_names_no_key_that_is_not_there() {
    let rows = CONFIGURATION
        .lines()
        .filter(|line| line.contains("| `ALERTWIRE_"));
    for line in rows {
        let name = line.split('`').nth(1).unwrap();
        assert!(
            Key::find(name).is_some(),
            "docs/configuration.md names `{name}`"
        );
    }
}

#[test]
fn every_command_stands_in_its_page() {
    for path in commands() {
        assert!(
            CLI.contains(&format!("`{path}")),
            "docs/cli.md lacks `{path}`"
        );
    }
}

#[test]
fn the_page_names_no_command_that_is_not_there() {
    let known = commands();
    let named = CLI
        .lines()
        .filter_map(|line| line.strip_prefix("| `alertwire ")?.split('`').next());
    for rest in named {
        let words: Vec<&str> = rest.split(' ').collect();
        let found = (1..=words.len())
            .any(|count| known.contains(&format!("alertwire {}", words[..count].join(" "))));
        assert!(found, "docs/cli.md names `alertwire {rest}`");
    }
}

/// `alertwire serve`, `alertwire catalog check`, …: the commands that do something.
fn commands() -> Vec<String> {
    let mut found = Vec::new();
    for command in Arguments::command().get_subcommands() {
        let name = format!("alertwire {}", command.get_name());
        match command.has_subcommands() {
            false => found.push(name),
            true => found.extend(
                command
                    .get_subcommands()
                    .map(|inner| format!("{name} {}", inner.get_name())),
            ),
        }
    }
    found
}

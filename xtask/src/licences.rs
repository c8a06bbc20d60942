//! `cargo xtask licences`: what the binary is made of beside its own code, as the console's page System shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::run::{cargo, root};

/// The package whose binary it is.
const BINARY: &str = "alertwire";

/// Writes the list anew.
pub fn licences() -> Result<()> {
    fs::write(path(), list()?)?;
    Ok(())
}

fn path() -> PathBuf {
    root().join("crates/web/assets/licences.tsv")
}

/// A line for each library that is linked on any system: name, version, licence, repository. What only builds or tests
/// it is left out.
fn list() -> Result<String> {
    let mut command = cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = command.output().context("cargo metadata does not start")?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let packages = items(&told["packages"]);
    let packages: BTreeMap<_, _> = packages.map(|one| (text(&one["id"]), one)).collect();
    let nodes = items(&told["resolve"]["nodes"]);
    let nodes: BTreeMap<_, _> = nodes.map(|one| (text(&one["id"]), one)).collect();
    let binary = packages.iter().find(|(_, one)| one["name"] == BINARY);
    let (binary, _) = binary.context("the workspace has no such package")?;
    let mut open = vec![*binary];
    let mut linked = BTreeSet::new();
    while let Some(id) = open.pop() {
        if linked.insert(id) {
            let needs = nodes.get(id).map(|node| items(&node["deps"]));
            let needs = needs.into_iter().flatten().filter(|need| is_linked(need));
            open.extend(needs.map(|need| text(&need["pkg"])));
        }
    }
    // Packages of the workspace come from no registry.
    let others = linked.iter().filter_map(|id| packages.get(id));
    let others = others.filter(|one| !one["source"].is_null());
    let mut lines: Vec<_> = others.map(|one| line(one)).collect();
    lines.sort();
    Ok(lines.concat())
}

/// A dependency that is neither for building nor for tests alone.
fn is_linked(need: &Value) -> bool {
    items(&need["dep_kinds"]).any(|kind| kind["kind"].is_null())
}

fn line(package: &Value) -> String {
    let words = ["name", "version", "license", "repository"].map(|key| text(&package[key]));
    format!("{}\n", words.join("\t"))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_the_lock_file() {
        let written = fs::read_to_string(path()).unwrap();
        assert!(
            written == list().unwrap(),
            "other libraries are linked than the list says: cargo xtask licences"
        );
    }
}

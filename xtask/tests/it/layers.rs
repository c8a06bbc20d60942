//! Dependencies point one way.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each crate may use, tests and benches aside.
const ALLOWED: &[(&str, &[&str])] = &[
    ("alertwire-catalogue", &[]),
    ("alertwire-domain", &["alertwire-catalogue"]),
    (
        "alertwire-delivery",
        &["alertwire-catalogue", "alertwire-domain"],
    ),
    (
        "alertwire-scan",
        &["alertwire-catalogue", "alertwire-domain"],
    ),
    (
        "alertwire-store",
        &[
            "alertwire-catalogue",
            "alertwire-domain",
            "alertwire-delivery",
        ],
    ),
    ("alertwire-egress", &["alertwire-domain"]),
    (
        "alertwire-connectors",
        &[
            "alertwire-domain",
            "alertwire-delivery",
            "alertwire-egress",
            "alertwire-catalogue",
        ],
    ),
    (
        "alertwire-receive",
        &[
            "alertwire-catalogue",
            "alertwire-domain",
            "alertwire-delivery",
            "alertwire-store",
        ],
    ),
    (
        "alertwire-dispatch",
        &[
            "alertwire-catalogue",
            "alertwire-domain",
            "alertwire-delivery",
            "alertwire-store",
            "alertwire-egress",
            "alertwire-connectors",
            "alertwire-receive",
        ],
    ),
    (
        "alertwire-web",
        &[
            "alertwire-catalogue",
            "alertwire-domain",
            "alertwire-delivery",
            "alertwire-store",
            "alertwire-egress",
            "alertwire-connectors",
            "alertwire-receive",
            "alertwire-scan",
        ],
    ),
    (
        "alertwire",
        &[
            "alertwire-catalogue",
            "alertwire-domain",
            "alertwire-delivery",
            "alertwire-store",
            "alertwire-egress",
            "alertwire-connectors",
            "alertwire-receive",
            "alertwire-dispatch",
            "alertwire-scan",
            "alertwire-web",
        ],
    ),
];

/// Crates without I/O, and what would bring it in.
const PURE: [&str; 4] = [
    "alertwire-catalogue",
    "alertwire-domain",
    "alertwire-delivery",
    "alertwire-scan",
];
const IMPURE: [&str; 8] = [
    "tokio",
    "rusqlite",
    "tokio-postgres",
    "hyper",
    "reqwest",
    "async-std",
    "mio",
    "socket2",
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// Package name -> names of what it uses outside tests, for our own crates.
fn uses(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .filter(|package| members.contains(text(package, "id")))
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let names = dependencies
                .filter(|it| it["kind"].is_null())
                .map(|it| text(it, "name").to_owned());
            (text(package, "name").to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let uses = uses(&metadata());
    for (name, allowed) in ALLOWED {
        let used = uses
            .get(*name)
            .unwrap_or_else(|| panic!("crate {name} is gone"));
        for used in used
            .iter()
            .filter(|used| used.starts_with("alertwire") || uses.contains_key(*used))
        {
            assert!(
                allowed.contains(&used.as_str()),
                "{name} must not depend on {used}"
            );
        }
    }
}

#[test]
fn each_crate_of_the_product_has_a_layer() {
    let outside: BTreeSet<&str> = [
        "xtask",
        "bench",
        "alertwire-testkit",
        "alertwire-catalogue-fuzz",
    ]
    .into();
    for name in uses(&metadata())
        .keys()
        .filter(|name| !outside.contains(name.as_str()))
    {
        assert!(
            ALLOWED.iter().any(|(known, _)| known == name),
            "say in layers.rs what {name} may depend on"
        );
    }
}

#[test]
fn the_core_never_reaches_a_runtime_a_database_or_a_socket() {
    let metadata = metadata();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    for pure in PURE {
        let start = names
            .iter()
            .find(|(_, name)| **name == pure)
            .map(|(id, _)| *id)
            .unwrap();
        let (mut reached, mut open) = (BTreeSet::from([start]), vec![start]);
        while let Some(id) = open.pop() {
            for dependency in nodes[id]["deps"].as_array().unwrap() {
                let normal = dependency["dep_kinds"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|kind| kind["kind"].is_null());
                let next = text(dependency, "pkg");
                if normal && reached.insert(next) {
                    open.push(next);
                }
            }
        }
        for id in reached {
            assert!(!IMPURE.contains(&names[id]), "{pure} reaches {}", names[id]);
        }
    }
}

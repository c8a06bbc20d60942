//! Small rules that people forget.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file past this says why in its first lines, with the word `longer`.
const MOST_LINES: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(path)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn rust_files(path: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(path)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
    {
        if entry.is_dir() && !entry.ends_with("target") {
            rust_files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn the_architecture_page_names_every_crate() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let crates = folders(&root().join("crates"))
        .into_iter()
        .chain(folders(&root().join("lib")));
    for folder in crates {
        let name = folder.strip_prefix(root()).unwrap().display().to_string();
        assert!(page.contains(&name), "ARCHITECTURE.md does not name {name}");
    }
}

#[test]
fn no_source_file_grows_past_its_bound_without_saying_why() {
    let mut files = Vec::new();
    for folder in ["crates", "lib", "xtask", "bench"] {
        rust_files(&root().join(folder), &mut files);
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .count();
        let excused = text
            .lines()
            .take(20)
            .any(|line| line.starts_with("//!") && line.contains("longer"));
        assert!(
            lines <= MOST_LINES || excused,
            "{} has {lines} lines: split it or say why",
            file.display()
        );
    }
}

#[test]
fn the_packages_of_the_catalogue_have_the_version_of_the_workspace() {
    let version = |path: &str| {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let line = text.lines().map(|line| line.trim().replace('"', ""));
        line.filter_map(|line| {
            let value = line
                .strip_prefix("version = ")
                .or(line.strip_prefix("version: "))?;
            Some(value.trim_end_matches(',').to_owned())
        })
        .next()
        .unwrap_or_else(|| panic!("{path} has no version"))
    };
    let packages = "lib/alertwire-catalogue/packages";
    for path in ["Cargo.toml", "node/package.json"] {
        assert_eq!(
            version(&format!("{packages}/{path}")),
            version("Cargo.toml"),
            "{path}"
        );
    }
}

#[test]
fn migrations_come_for_both_databases_together() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = root().join("crates/store/migrations").join(database);
        fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn tests_are_neither_ignored_nor_slept_through() {
    let mut files = Vec::new();
    for folder in ["crates", "lib"] {
        rust_files(&root().join(folder), &mut files);
    }
    let ignored = ["#[", "ignore"].concat();
    let sleeps = ["thread::", "sleep("].concat();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            !text.contains(&ignored),
            "{} ignores a test",
            file.display()
        );
        assert!(!text.contains(&sleeps), "{} sleeps", file.display());
    }
}

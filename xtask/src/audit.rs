//! Tools that take minutes to compile; not part of CI.

use anyhow::Result;

use crate::packages;
use crate::run::{cargo, run, works};

pub fn audit() -> Result<()> {
    for (tool, package, version) in [
        ("deny", "cargo-deny", "0.20.2"),
        ("machete", "cargo-machete", "0.9.2"),
    ] {
        if !works("cargo", &[tool, "--version"]) {
            run(cargo(&[
                "install",
                "--locked",
                package,
                "--version",
                version,
            ]))?;
        }
    }
    if !works("typos", &["--version"]) {
        run(cargo(&[
            "install",
            "--locked",
            "typos-cli",
            "--version",
            "1.52.0",
        ]))?;
    }
    // Advisories need a database from outside the package registry, so they are asked where that can be reached.
    run(cargo(&["deny", "check", "licenses", "bans", "sources"]))?;
    run(cargo(&["machete"]))?;
    let mut typos = std::process::Command::new("typos");
    typos.current_dir(crate::run::root());
    run(typos)?;
    packages::command(&["types".into()])
}

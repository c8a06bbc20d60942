//! What the tests need of the machine: PostgreSQL, nmap, a fast linker, nextest, Chromium and axe for the console, and for
//! the packages Python and Node.
//! Missing parts are installed from Debian's packages (as root) and crates.io; on another system the message says what to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, root, run, works};

/// Where npm puts what the pages of the console are looked at with, by the lock file there.
const AXE: &str = "crates/cli/tests/axe";

/// Installs what is missing.
pub fn prepare() -> Result<()> {
    let mut packages = Vec::new();
    if postgres_bin().is_none() {
        packages.push("postgresql");
    }
    if !works("nmap", &["--version"]) {
        packages.push("nmap");
    }
    if !works("mold", &["--version"]) {
        packages.push("mold");
    }
    if !works("chromium", &["--version"]) {
        packages.extend(["chromium", "fonts-dejavu-core"]);
    }
    if !works("npm", &["--version"]) {
        packages.extend(["nodejs", "npm"]);
    }
    install(&packages)?;
    prepare_axe()?;
    if !works("cargo", &["nextest", "--version"]) {
        run(cargo(&["install", "--locked", "cargo-nextest"]))?;
    }
    Ok(())
}

/// axe, in the version of the lock file.
fn prepare_axe() -> Result<()> {
    let folder = root().join(AXE);
    let installed = folder.join("node_modules/.package-lock.json");
    let age = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    if age(&installed) > age(&folder.join("package-lock.json")) {
        return Ok(());
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--silent", "--no-audit", "--no-fund"])
        .current_dir(folder);
    run(install)
}

/// Installs what the Python and the npm package of the catalogue are built and tested with. The packages need no headers.
pub fn prepare_packages() -> Result<()> {
    let mut packages = Vec::new();
    if !works("python3", &["-c", "import ensurepip, venv"]) {
        packages.push("python3-venv");
    }
    if !works("node", &["--version"]) {
        packages.push("nodejs");
    }
    if !works("npm", &["--version"]) {
        packages.push("npm");
    }
    install(&packages)
}

fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if !works("apt-get", &["--version"]) {
        bail!(
            "please install {} (here it would be done with apt-get, which is missing)",
            packages.join(", ")
        );
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        run(command)
    };
    apt(&["update", "-q"])?;
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments).with_context(|| {
        format!(
            "as root, or by hand: apt-get install {}",
            packages.join(" ")
        )
    })
}

/// The folder of PostgreSQL's server programs: the newest version that Debian's packages put there.
pub fn postgres_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders
        .into_iter()
        .rev()
        .find(|folder| Path::new(folder).join("initdb").exists())
}

/// Compiler flags that link with mold where it is there: linking a dozen test binaries is half the work otherwise.
pub fn link_flags() -> Option<&'static str> {
    works("mold", &["--version"]).then_some("-Clink-arg=-fuse-ld=mold")
}

//! `cargo xtask packages`: the Python and the npm package of the catalogue, built, installed as a user would, tested there.
//!
//! Both say what the Rust crate says: it writes the cases, and the tests of each package compare.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::ci::linked;
use crate::run::{cargo, root, run};
use crate::system;

const MANIFEST: &str = "lib/alertwire-catalogue/packages/Cargo.toml";
const SAMPLES: &str = "lib/alertwire-catalogue/tests/cases";
const MATURIN: &str = "1.16.0";
const MYPY: &str = "mypy==2.4.1";
const TYPESCRIPT: [&str; 2] = ["typescript@5.9.3", "@types/node@20.19.43"];

/// `cargo xtask packages [types]`.
pub fn command(arguments: &[String]) -> Result<()> {
    packages()?;
    match arguments {
        [] => Ok(()),
        [word] if word == "types" => types(),
        _ => bail!("usage: cargo xtask packages [types]"),
    }
}

/// Builds and tests both.
pub fn packages() -> Result<()> {
    system::prepare_packages()?;
    for check in [
        &["fmt", "--all", "--check", "--manifest-path", MANIFEST][..],
        &[
            "clippy",
            "--release",
            "--locked",
            "--manifest-path",
            MANIFEST,
        ],
    ] {
        run(built(check))?;
    }
    run(built(&[
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        MANIFEST,
        "-p",
        "alertwire-catalogue-bridge",
        "-p",
        "alertwire-catalogue-node",
    ]))?;
    let cases = write_cases()?;
    python(&cases)?;
    node(&cases)
}

/// Checks the types of both as their users' checkers would, against the tests. It needs the packages that were built.
fn types() -> Result<()> {
    let (tools, trial) = (target().join("tools"), target().join("node"));
    run(program(
        tools.join("bin/pip"),
        &["install", "--quiet"],
        MYPY,
    ))?;
    let mut mypy = program(tools.join("bin/mypy"), &["--strict"], "--python-executable");
    mypy.arg(target().join("python/bin/python"));
    for folder in ["python/python/alertwire_catalogue", "python/tests"] {
        mypy.arg(source(folder));
    }
    run(mypy)?;
    let mut install = program("npm", &["install", "--silent", "--no-audit"], "--no-fund");
    install.args(TYPESCRIPT).current_dir(&trial);
    run(install)?;
    fs::copy(source("node/test/types.ts"), trial.join("types.ts"))?;
    let flags = ["tsc", "--strict", "--noEmit", "--module", "nodenext"];
    let mut tsc = program("npx", &flags, "types.ts");
    tsc.current_dir(&trial);
    run(tsc)
}

/// Where everything goes: build artefacts, tools, packages, and the places they are tried in.
fn target() -> PathBuf {
    root().join("target/packages")
}

fn source(package: &str) -> PathBuf {
    root()
        .join("lib/alertwire-catalogue/packages")
        .join(package)
}

/// The packages have artefacts of their own: their dependencies have other features than the product's.
fn built(arguments: &[&str]) -> Command {
    let mut command = linked(cargo(arguments));
    command.env("CARGO_TARGET_DIR", target());
    command
}

fn write_cases() -> Result<PathBuf> {
    let path = target().join("cases.jsonl");
    let mut command = Command::new(target().join("release/cases"));
    command
        .arg(SAMPLES)
        .current_dir(root())
        .stdout(Stdio::from(fs::File::create(&path)?));
    run(command)?;
    Ok(path)
}

fn python(cases: &Path) -> Result<()> {
    let (tools, wheels, trial) = (
        target().join("tools"),
        target().join("wheels"),
        target().join("python"),
    );
    let maturin = tools.join("bin/maturin");
    if !says(&maturin, MATURIN) {
        empty(&tools)?;
        run(program("python3", &["-m", "venv"], &tools))?;
        let requirement = format!("maturin=={MATURIN}");
        run(program(
            tools.join("bin/pip"),
            &["install", "--quiet", &requirement],
            "--disable-pip-version-check",
        ))?;
    }
    empty(&wheels)?;
    let mut build = linked(program(
        &maturin,
        &["build", "--release", "--locked", "--quiet", "--out"],
        &wheels,
    ));
    build
        .current_dir(source("python"))
        .env("CARGO_TARGET_DIR", target());
    run(build)?;
    // A fresh environment without pip, which takes longest: the pip of the tools installs into it.
    empty(&trial)?;
    run(program("python3", &["-m", "venv", "--without-pip"], &trial))?;
    let python = trial.join("bin/python");
    let mut install = Command::new(tools.join("bin/pip"));
    install.arg("--python").arg(&python).args([
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]);
    install.arg(only_file(&wheels)?);
    run(install)?;
    let mut tests = program(
        &python,
        &["-m", "unittest", "discover", "--start-directory"],
        source("python/tests"),
    );
    tests
        .current_dir(&trial)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ALERTWIRE_CATALOGUE_CASES", cases);
    run(tests)
}

fn node(cases: &Path) -> Result<()> {
    let (stage, packed, trial) = (
        target().join("npm-stage"),
        target().join("npm"),
        target().join("node"),
    );
    stage_node(&stage)?;
    empty(&packed)?;
    let mut pack = program("npm", &["pack", "--silent", "--pack-destination"], &packed);
    pack.current_dir(&stage);
    run(pack)?;
    empty(&trial)?;
    fs::write(trial.join("package.json"), "{\"private\": true}\n")?;
    let flags = [
        "install",
        "--silent",
        "--offline",
        "--no-audit",
        "--no-fund",
    ];
    let mut install = program("npm", &flags, only_file(&packed)?);
    install.current_dir(&trial);
    run(install)?;
    let mut tests = Command::new("node");
    tests.arg("--test");
    for name in ["catalogue.test.js", "law.test.js"] {
        fs::copy(source("node/test").join(name), trial.join(name))?;
        tests.arg(name);
    }
    tests
        .current_dir(&trial)
        .env("ALERTWIRE_CATALOGUE_CASES", cases)
        .env("ALERTWIRE_CATALOGUE_SAMPLES", root().join(SAMPLES));
    run(tests)
}

/// What the npm package holds, with the addon under the name that `index.js` looks for.
fn stage_node(stage: &Path) -> Result<()> {
    empty(stage)?;
    for name in ["package.json", "index.js", "index.d.ts", "README.md"] {
        fs::copy(source("node").join(name), stage.join(name))?;
    }
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(root().join(name), stage.join(name))?;
    }
    let script = "process.stdout.write(`${process.platform}-${process.arch}`)";
    let output = Command::new("node").args(["-e", script]).output()?;
    let system = String::from_utf8(output.stdout)?;
    let library = format!(
        "{}alertwire_catalogue_node{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    fs::create_dir(stage.join("native"))?;
    fs::copy(
        target().join("release").join(library),
        stage.join("native").join(format!("{system}.node")),
    )?;
    Ok(())
}

fn program(
    name: impl AsRef<std::ffi::OsStr>,
    arguments: &[&str],
    last: impl AsRef<std::ffi::OsStr>,
) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).arg(last);
    command
}

/// Whether this program tells this version of itself.
fn says(program: &Path, version: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(version))
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let files: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => bail!("{} holds {} files, not one", folder.display(), files.len()),
    }
}

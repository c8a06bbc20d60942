//! All of CI, in the order that fails soonest.

use std::process::Command;

use anyhow::Result;

use crate::packages::packages;
use crate::postgres::Server;
use crate::run::{cargo, run};
use crate::system;

const FUZZ: &str = "lib/alertwire-catalogue/fuzz/Cargo.toml";

/// Everything that must pass before a change lands.
pub fn ci() -> Result<()> {
    system::prepare()?;
    system::prepare_packages()?;
    run(linked(cargo(&["fmt", "--all", "--check"])))?;
    run(linked(cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])))?;
    let mut doc = linked(cargo(&["doc", "--workspace", "--no-deps", "--locked"]));
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run(doc)?;
    // The fuzz targets are a workspace of their own: whoever builds the product does not build them.
    run(linked(cargo(&[
        "check",
        "--locked",
        "--manifest-path",
        FUZZ,
        "--target-dir",
        "target/fuzz",
    ])))?;
    let server = Server::start(false)?;
    run(tests(&server, &[]))?;
    run(linked(cargo(&[
        "test",
        "--doc",
        "--locked",
        "-p",
        "alertwire-catalogue",
    ])))?;
    packages()
}

/// The tests alone.
pub fn test(arguments: &[String]) -> Result<()> {
    system::prepare()?;
    let server = Server::start(false)?;
    run(tests(&server, arguments))
}

fn tests(server: &Server, arguments: &[String]) -> Command {
    let mut command = linked(cargo(&[
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--no-fail-fast",
    ]));
    command
        .args(arguments)
        .env("ALERTWIRE_TEST_POSTGRES", server.url());
    command
}

/// Compiler flags come by the environment, not by a file: a user without mold must be able to build.
pub fn linked(mut command: Command) -> Command {
    if let Some(flags) = system::link_flags() {
        command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    command
}

//! `cargo xtask bench`: builds the release binaries, then lets the `bench` program measure them.

use anyhow::Result;

use crate::postgres::Server;
use crate::run::{cargo, run};
use crate::system;

pub fn bench(names: &[String]) -> Result<()> {
    system::prepare()?;
    run(cargo(&[
        "build",
        "--release",
        "--locked",
        "-p",
        "alertwire",
        "-p",
        "bench",
    ]))?;
    let server = Server::start(true)?;
    let mut command = cargo(&[
        "run",
        "--release",
        "--locked",
        "--quiet",
        "-p",
        "bench",
        "--",
    ]);
    command
        .args(names)
        .env("ALERTWIRE_TEST_POSTGRES", server.url());
    run(command)
}

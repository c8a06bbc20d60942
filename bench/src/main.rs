//! `cargo xtask bench`: measures the release binary of Alertwire as a user runs it, beside programs that show what this
//! machine allows at all, and prints the tables of `docs/benchmarks.md`.
//!
//! What it never does: it calls no server code in its own process (reading and matching apart, which are pure), and it
//! never leaves the loopback interface. The limit programs and the sink are modes of this binary, started as child
//! processes, so that client and server are as far apart as they are in the real case.
//!
//! Start reading at [`sections`]; the load generator is [`load`], what it counts is judged in [`ledger`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables go to standard output, progress to standard error"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a measuring program needs the machine's clock and plain sockets"
)]

mod alerts;
mod api;
mod child;
mod figures;
mod ledger;
mod load;
mod machine;
mod product;
mod programs;
mod sections;
mod wire;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if programs::is_one(first) => programs::run(first, rest),
        _ => measure(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread is enough for the load generator, and leaves the rest of the machine to what is measured.
fn measure(names: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(sections::run(names))
}

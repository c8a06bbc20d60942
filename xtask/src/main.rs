//! Automation in Rust: `cargo xtask ci` is all of CI, `cargo xtask bench` prints the figures of `docs/benchmarks.md`,
//! `cargo xtask audit` runs the tools that compile for minutes.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on standard output"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "automation reads the environment of whoever calls it"
)]

mod audit;
mod bench;
mod ci;
mod licences;
mod packages;
mod postgres;
mod run;
mod screenshots;
mod system;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  ci        install what the tests need, then fmt, clippy, docs, tests, doctests and packages
  test      the tests alone: `cargo xtask test [nextest arguments]`, with PostgreSQL beside them
  packages  build the Python and the npm package of the catalogue and test them as they are installed;
            `cargo xtask packages types` checks their types with mypy and tsc too
  screenshots
            take the pictures of the console's pages that the documentation shows
  licences  write the list of the libraries that are built in, which the console shows
  bench     measure: `cargo xtask bench [names]`, figures on standard output
  audit     licences, bans, unused dependencies, spelling, types of the packages: installs its tools first, takes minutes
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match arguments.first().map(String::as_str) {
        Some("ci") => ci::ci(),
        Some("test") => ci::test(rest),
        Some("packages") => packages::command(rest),
        Some("screenshots") => screenshots::screenshots(),
        Some("licences") => licences::licences(),
        Some("bench") => bench::bench(rest),
        Some("audit") => audit::audit(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

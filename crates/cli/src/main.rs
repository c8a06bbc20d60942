//! The binary `alertwire`: commands, configuration, wiring.
//!
//! What it is for: it reads files and environment ([`config`]), makes the real clock and the real randomness ([`clock`]),
//! puts the crates below together ([`instance`]) and talks with people and scripts ([`commands`], [`output`]).
//!
//! What it never does: decide anything about alerts; that is the work of the crates below.
//!
//! Start reading at [`arguments`] (what can be asked), then the file of a command in [`commands`].

mod api;
mod arguments;
mod clock;
mod commands;
mod config;
#[cfg(test)]
mod docs;
mod exit;
mod instance;
mod log;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use exit::Code;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match commands::run(arguments) {
        Ok(code) => code.into(),
        Err(failure) if failure.closed_pipe => Code::Ok.into(),
        Err(failure) => {
            output::talk(failure.to_string());
            failure.code.into()
        }
    }
}

/// Help and version are asked for; all else is a usage error, 64 and not clap's own 2.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when this print fails.
    let _ = error.print();
    if error.use_stderr() {
        Code::Usage.into()
    } else {
        Code::Ok.into()
    }
}

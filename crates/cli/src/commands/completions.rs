//! `alertwire completions SHELL`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Session;
use crate::arguments::Arguments;
use crate::exit::{Code, Ending};

pub(super) fn run(shell: Shell, session: &mut Session<'_>) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "alertwire", &mut script);
    session.out.raw(&script)?;
    Ok(Code::Ok)
}

//! `alertwire journal …`: what can be said.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Prove that what was acked is there, unchanged: every message, its events, and the books of every day.
    ///
    /// Exit 0 when the journal is whole, 1 when it is not; what is amiss is printed with its day and, where it can be told, its id.
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Prove these too: answers of the intake (`{"id", "sha256", "events"}`), one a line; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) receipts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

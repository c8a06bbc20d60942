//! `alertwire reread …`: what can be said.

use clap::Args;

use super::{ServerFlags, assignment};

/// Read stored messages again with the catalogue of today.
///
/// Without `--dry-run` it shows the difference first and asks. A new reading is added to an event and the former ones are kept;
/// deliveries are never touched, and what was sent before is not sent again.
#[derive(Debug, Args)]
pub(crate) struct RereadArguments {
    /// An event (id); may be given again.
    #[arg(long = "event", value_name = "ID", conflicts_with_all = ["query", "days"])]
    pub(crate) events: Vec<String>,
    /// Events by a filter of the API: `match=none`, `decode=failed`, `company=…`, `source=…`; several narrow it.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment, num_args = 1..)]
    pub(crate) query: Vec<(String, String)>,
    /// Only events of the last so many days, 1 to 30; alone: all of them.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) days: Option<u16>,
    /// Let events that are understood at last and went nowhere go where today's rules send them.
    #[arg(long)]
    pub(crate) route: bool,
    /// How many in a second.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    pub(crate) rate: u32,
    /// Only tell what would be read differently.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

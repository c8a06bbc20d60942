//! `alertwire replay …`: what can be said.

use clap::{Args, Subcommand};

use super::{ServerFlags, assignment};

#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// Send many deliveries again, or let unrouted events go by today's rules.
    ///
    /// What it takes is fixed when it begins: what arrives or ends differently later is passed over. `--where status=dead`
    /// is all that failed; add `--where since=2026-11-24T00:00:00Z` for all that failed since.
    Start(Box<ReplayStart>),
    /// Replays, newest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// One replay and how far it is.
    Show(ReplayWatched),
    /// Let a replay rest.
    Pause(ReplayNamed),
    /// Let a replay go on where it was.
    Resume(ReplayWatched),
    /// End a replay; what it has done stays done.
    Cancel(ReplayNamed),
}

#[derive(Debug, Args)]
pub(crate) struct ReplayStart {
    /// Deliveries, by a filter of the API: `status=dead`, `since=…`, `integration=…`, `cause=…`, `fault=receiver`.
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) filters: Vec<(String, String)>,
    /// Unrouted events, by a filter of the API: `company=…`, `routing=no_mapping`, `since=…`; alone: all of them.
    #[arg(long, value_name = "KEY=VALUE", num_args = 0..=1, value_parser = assignment, conflicts_with = "filters")]
    pub(crate) unrouted: Option<Vec<(String, String)>>,
    /// Send the same alerts to this integration (id) instead.
    #[arg(long, value_name = "ID", conflicts_with = "unrouted")]
    pub(crate) to: Option<String>,
    /// How many in a second.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub(crate) rate: u32,
    /// Only tell what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stay until it has ended.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayNamed {
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayWatched {
    #[command(flatten)]
    pub(crate) named: ReplayNamed,
    /// Stay until it has ended.
    #[arg(long)]
    pub(crate) watch: bool,
}

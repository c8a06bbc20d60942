//! What can be said of silences, and of configurations that might be.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use domain::Timestamp;
use domain::time::parse_duration;

use super::{ExportList, ServerFlags};

#[derive(Debug, Subcommand)]
pub(crate) enum SilencesCommand {
    /// Silences, newest first.
    List {
        /// Only these: active, scheduled or ended.
        #[arg(long)]
        state: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Silences as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportList),
    /// Make a silence, or with --dry-run see what it would have muted.
    Create(Box<SilenceArguments>),
    /// End silences now; what they muted stays muted.
    End {
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        server: ServerFlags,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SilenceArguments {
    /// What it is called.
    pub(crate) name: String,
    /// Which events: 'event=problem.* field.hostname=~"web-.*"'.
    #[arg(long)]
    pub(crate) filter: String,
    /// Why, for others to read.
    #[arg(long)]
    pub(crate) reason: String,
    /// Only events of this company, by name or id; several times for several.
    #[arg(long = "company", value_name = "NAME")]
    pub(crate) companies: Vec<String>,
    /// When it begins (RFC 3339), if not now.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Timestamp>,
    /// When it ends (RFC 3339).
    #[arg(long, value_name = "TIME", required_unless_present = "lasting")]
    pub(crate) until: Option<Timestamp>,
    /// How long it lasts, instead of --until: 30m, 2h, 3d.
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until", value_parser = parse_duration)]
    pub(crate) lasting: Option<Duration>,
    /// The window comes again each day or week (UTC), up to --repeat-until.
    #[arg(long, value_name = "daily|weekly", requires = "repeat_until")]
    pub(crate) repeat: Option<String>,
    /// When it comes no more (RFC 3339).
    #[arg(long, value_name = "TIME", requires = "repeat")]
    pub(crate) repeat_until: Option<Timestamp>,
    /// Make nothing; say how many events of the last days it would have muted.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many days a dry run looks back.
    #[arg(long, default_value_t = 1, requires = "dry_run", value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(crate) days: u16,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct WhatIfArguments {
    /// The change, as JSON; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// How many days to look back, if the file does not say.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(crate) days: Option<u16>,
    /// Only events that this filter lets through: 'company=Acme severity>=high'.
    #[arg(long)]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

//! What can be said of sources.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use domain::time::parse_duration;

use super::{ExportList, ServerFlags};

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Sources, newest first: what each brought to the server since that started.
    List {
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Sources as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportList),
    /// One source; of a secret that is being rotated out, until when it is good.
    Show {
        id: String,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// What to type at the sender, in the words of its form.
    SenderSettings {
        id: String,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Make a source by one way of proving itself; further ways are added over the API or by `apply`.
    ///
    /// Prints what to type at the sender. Without --secret-file a random secret is made and printed this once.
    Create(Box<SourceArguments>),
    /// Put a new secret in the place of one; the former stays good for a while.
    Rotate {
        id: String,
        /// Which secret.
        #[arg(long, value_enum)]
        way: Way,
        /// File that holds the new secret; `-` reads standard input. Without it the server makes one, printed this once.
        #[arg(long, value_name = "FILE", conflicts_with = "end")]
        secret_file: Option<PathBuf>,
        /// How long the former stays good: 2h, 7d; 0s ends it at once. 24h when nothing is said.
        #[arg(long, value_name = "DURATION", conflicts_with = "end", value_parser = parse_duration)]
        overlap: Option<Duration>,
        /// End the former secret now.
        #[arg(long)]
        end: bool,
        #[command(flatten)]
        server: ServerFlags,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    Header,
    Basic,
    Login,
    Signature,
}

impl Way {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Basic => "basic",
            Self::Login => "login",
            Self::Signature => "signature",
        }
    }
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("way").required(true).args(["header", "basic", "login", "signature"]))]
pub(crate) struct SourceArguments {
    /// What it is called.
    pub(crate) name: String,
    /// The sender sends a header with this key: X-API-Key.
    #[arg(long, value_name = "KEY")]
    pub(crate) header: Option<String>,
    /// The sender sends this user name and a password by HTTP Basic.
    #[arg(long, value_name = "USERNAME")]
    pub(crate) basic: Option<String>,
    /// The sender logs in with this user name at the source's authentication URL.
    #[arg(long, value_name = "USERNAME")]
    pub(crate) login: Option<String>,
    /// The sender signs (Standard Webhooks).
    #[arg(long)]
    pub(crate) signature: bool,
    /// File that holds the secret; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Only from this address or range; several times for several.
    #[arg(long = "address", value_name = "CIDR")]
    pub(crate) addresses: Vec<String>,
    /// The default company, by name or id.
    #[arg(long, value_name = "NAME")]
    pub(crate) company: Option<String>,
    /// A company that it may speak for; several times for several, all when none is named.
    #[arg(long = "speaks-for", value_name = "NAME")]
    pub(crate) companies: Vec<String>,
    /// Count what was said within this time on the event that said it: 5m.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) dedup_window: Option<Duration>,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

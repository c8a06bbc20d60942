//! What can be said of wordings that are not known.

use clap::{ArgGroup, Args};

use super::ServerFlags;

#[derive(Debug, Args)]
pub(crate) struct UnknownArguments {
    /// How many days to look back.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(crate) days: u16,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArguments {
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("bodies").required(true).args(["subject", "events"])))]
pub(crate) struct LearnArguments {
    /// Learn from the unread events with this subject.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Learn from this event; several times for several.
    #[arg(long = "event", value_name = "ID")]
    pub(crate) events: Vec<String>,
    /// How many days to look back.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(crate) days: u16,
    /// Teach this template instead of the proposed one.
    #[arg(long)]
    pub(crate) template: Option<String>,
    /// Another name for a field; several times for several.
    #[arg(long = "name", value_name = "OLD=NEW", value_parser = renamed)]
    pub(crate) names: Vec<(String, String)>,
    /// A further wording of this kind.
    #[arg(long, value_name = "CODE", conflicts_with = "code")]
    pub(crate) variant_of: Option<String>,
    /// A new kind with this code: `backup.failed`. Without it and --variant-of only the proposals are printed.
    #[arg(long, requires = "category")]
    pub(crate) code: Option<String>,
    /// What event sets call the new kind, if not by its subject.
    #[arg(long, requires = "code")]
    pub(crate) title: Option<String>,
    /// The category of the new kind, old or new.
    #[arg(long, requires = "code")]
    pub(crate) category: Option<String>,
    /// The severity of the new kind's alerts that name none.
    #[arg(long, default_value = "medium")]
    pub(crate) severity: String,
    /// What the new kind speaks of, for projections: asset, port, vulnerability, login, job.
    #[arg(long, requires = "code")]
    pub(crate) class: Option<String>,
    /// Teach it without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Teach nothing; say what would be.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Once it is taught, read again what is stored and was not read in full, of as many days.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) reread: bool,
    /// With --reread: send what is understood at last where today's rules send it.
    #[arg(long, requires = "reread")]
    pub(crate) route: bool,
    /// Teach it although events that are read now would be read differently.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

fn renamed(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(old, new)| (old.trim().to_owned(), new.trim().to_owned()))
        .filter(|(old, new)| !old.is_empty() && !new.is_empty())
        .ok_or_else(|| "write the old name, `=` and the new one".to_owned())
}

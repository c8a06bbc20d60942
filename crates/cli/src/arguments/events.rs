//! `alertwire events …`: what can be said.

use clap::{Args, Subcommand, ValueEnum};

use super::{FileFlags, ProjectionFlags, ServerFlags, assignment};

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Events, newest first.
    List {
        #[command(flatten)]
        search: SearchFlags,
        /// A key of the API: `event=login.failure`, `company=…`, `severity=high`, `since=…`.
        #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
        filters: Vec<(String, String)>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Events as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportEvents),
    /// One event with its fields.
    Show {
        id: String,
        #[command(flatten)]
        projection: ProjectionFlags,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Why an event went where it went, or nowhere.
    Trace {
        id: String,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Events as they come in, until Ctrl-C.
    Tail {
        #[command(flatten)]
        search: SearchFlags,
        /// End after so many.
        #[arg(long, value_name = "NUMBER")]
        count: Option<u64>,
        #[command(flatten)]
        server: ServerFlags,
    },
}

/// Which events are meant.
#[derive(Debug, Args)]
pub(crate) struct SearchFlags {
    /// Only events that it lets through: `severity>=high event=problem.* field.hostname=~"web-.*"`.
    #[arg(long)]
    filter: Option<String>,
    /// Only events whose subject and body hold these words.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
}

impl SearchFlags {
    /// Both in the filter language; none when all events are meant.
    pub(crate) fn filter(&self) -> Option<String> {
        let words = |words: &String| format!("text={}", domain::filter::quoted(words));
        let parts = [self.filter.clone(), self.text.as_ref().map(words)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExportEvents {
    #[command(flatten)]
    pub(crate) search: SearchFlags,
    /// An event a line, a table, or a line for each record as a SIEM reads it.
    #[arg(long, value_enum, default_value_t = EventsFormat::Jsonl)]
    pub(crate) format: EventsFormat,
    /// Begin with the oldest.
    #[arg(long)]
    pub(crate) oldest_first: bool,
    /// Fields with a column of their own in a table; without, all stand in one column as JSON.
    #[arg(long, value_name = "NAME,…")]
    pub(crate) fields: Option<String>,
    /// Leave cells as they are that a spreadsheet would take for formulas. Whoever sent an event can then make it compute.
    #[arg(long)]
    pub(crate) raw: bool,
    #[command(flatten)]
    pub(crate) file: FileFlags,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventsFormat {
    Jsonl,
    Csv,
    Ocsf,
    Ecs,
    Cef,
    Leef,
}

impl EventsFormat {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
            Self::Ecs => "ecs",
            Self::Cef => "cef",
            Self::Leef => "leef",
        }
    }
}

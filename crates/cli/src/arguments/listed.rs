//! What can be said of a list as a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ServerFlags, assignment};

#[derive(Debug, Args)]
pub(crate) struct ExportList {
    /// An item a line, or a table.
    #[arg(long, value_enum, default_value_t = ListFormat::Jsonl)]
    pub(crate) format: ListFormat,
    /// A filter of the list's API: `company=…`, `text=…`.
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) filters: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) file: FileFlags,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

/// How much goes where.
#[derive(Debug, Args)]
pub(crate) struct FileFlags {
    /// How many; 1,000,000 unless told, which is the most.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u64>,
    /// Go on where another export ended.
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// Write it there, in the place of what is there, instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Jsonl,
    Csv,
}

impl ListFormat {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }
}

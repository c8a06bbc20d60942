//! How to ask for events in the formats of others.

use clap::Args;
use domain::projection::Format;

#[derive(Debug, Args, Default)]
pub(crate) struct ProjectionFlags {
    /// In the format of a SIEM: a line for each record, JSON objects (ocsf, ecs) or text (cef, leef).
    #[arg(long = "as", value_name = "ocsf|ecs|cef|leef")]
    pub(crate) format: Option<Format>,
}

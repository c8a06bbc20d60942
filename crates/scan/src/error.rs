//! Why a file is not imported.

use std::io;

use crate::input::{FILE_BYTES, PART_BYTES};
use crate::nmap::{PORTS, VULNERABILITIES};
use crate::sieve::FINDINGS;

const MIB: u64 = 1024 * 1024;

/// Nothing of a file is imported.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("the file is larger than {} MiB", FILE_BYTES / MIB)]
    TooLarge,
    #[error("a tag or text of the file is longer than {} MiB", PART_BYTES / MIB)]
    LongPart,
    #[error("there are more than {FINDINGS} findings")]
    TooMany,
    #[error("a host of the file has more than {PORTS} open ports")]
    TooManyPorts,
    #[error("a port has more than {VULNERABILITIES} vulnerabilities")]
    TooManyVulnerabilities,
    #[error("the file declares entities, which nmap never does")]
    Entities,
    #[error("there is no nmap scan in the file")]
    NoScan,
    #[error("the file is no report of Trivy, or not a whole one: {0}")]
    NoReport(String),
    #[error("the report has schema version {0}; version {known} is known", known = crate::trivy::SCHEMA)]
    Schema(u64),
    #[error("`{0}` is no host name")]
    NoHostName(String),
    /// Whoever took the findings wants no more of them.
    #[error("it was stopped")]
    Stopped,
    #[error("the file cannot be read: {0}")]
    Input(#[from] io::Error),
}

impl ScanError {
    /// What whoever brought the file can do about it.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::TooLarge | Self::TooMany => {
                "let the scanner write several files, and import one after the other"
            }
            Self::Entities => "import the file as nmap wrote it",
            Self::NoScan => "let nmap write it with -oX FILE.xml",
            Self::NoReport(_) => "let Trivy write it with --format json --output FILE.json",
            Self::NoHostName(_) => "say what the asset is called: give a host name",
            Self::LongPart
            | Self::TooManyPorts
            | Self::TooManyVulnerabilities
            | Self::Schema(_)
            | Self::Stopped
            | Self::Input(_) => return None,
        })
    }
}

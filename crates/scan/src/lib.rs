//! Reads what scanners write: an nmap scan or a Trivy report becomes findings, each of which can be an event.
//!
//! What it is for: [`read`] goes through a file once, from its beginning to its end, and hands on each finding that can be raised.
//!
//! What it never does: no socket, no file of its own, no clock; and it remembers nothing. What is new is not decided here.
//!
//! Start reading at [`read`], then the format of one scanner: `nmap.rs`, `trivy.rs`.

mod asset;
mod error;
mod input;
mod nmap;
mod sieve;
mod trivy;

use std::io::BufRead;
use std::net::IpAddr;

use alertwire_catalogue::Catalogue;
use domain::finding::{Finding, Scanner, Tally};

pub use error::ScanError;
pub use input::FILE_BYTES;
pub use sieve::FINDINGS;
use sieve::Sieve;

/// What a file is, and what it does not say itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// The XML of nmap.
    Nmap {
        /// The ports were seen from outside.
        external: bool,
    },
    /// The JSON of Trivy.
    Trivy(Named),
}

/// What is said of the asset of a report, for a report does not know everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Else what the report calls it.
    pub hostname: Option<String>,
    /// Unspecified when it has none, as an image.
    pub ip: IpAddr,
}

/// What a file came to, beside the findings that were handed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// What was found and has no event kind, with how often.
    pub passed_over: Vec<(&'static str, u64)>,
    /// Why the file ends before its end. What came before is whole.
    pub broken: Option<String>,
    /// How many findings no wording can say.
    pub failed: Tally,
    /// Why, of the first of them.
    pub left_out: Vec<String>,
}

impl Format {
    #[must_use]
    pub fn scanner(&self) -> Scanner {
        match self {
            Self::Nmap { .. } => Scanner::Nmap,
            Self::Trivy(_) => Scanner::Trivy,
        }
    }
}

/// Reads a file to its end. `take` gets each finding once, and says whether it wants more.
pub fn read(
    input: impl BufRead,
    format: &Format,
    catalogue: &Catalogue,
    take: &mut dyn FnMut(Finding) -> bool,
) -> Result<Scanned, ScanError> {
    let mut sieve = Sieve::new(catalogue, take);
    let (passed_over, broken) = match format {
        Format::Nmap { external } => {
            let mut scan = nmap::Scan::new(input);
            while let Some(host) = scan.next_host()? {
                sieve.take_all(host.findings(catalogue, *external))?;
            }
            (scan.passed_over(), scan.broken())
        }
        Format::Trivy(named) => {
            let report = trivy::read(input)?;
            sieve.take_all(report.findings(catalogue, named)?)?;
            (report.passed_over(), None)
        }
    };
    let (failed, left_out) = sieve.finish();
    Ok(Scanned {
        passed_over,
        broken,
        failed,
        left_out,
    })
}

#[cfg(test)]
mod tests;

//! What of the findings is handed on: each once, and those alone that a wording can say.

use std::collections::HashSet;

use alertwire_catalogue::Catalogue;
use domain::finding::{Finding, Tally};
use sha2::{Digest as _, Sha256};

use crate::ScanError;

/// Most findings of a file.
pub const FINDINGS: usize = 1_000_000;
/// Findings that cannot be written are told one by one up to this number.
const TOLD: usize = 20;

pub(crate) struct Sieve<'a> {
    catalogue: &'a Catalogue,
    take: &'a mut dyn FnMut(Finding) -> bool,
    /// By kind and key, for scanners tell some things twice. A million of them fit into 32 MiB as digests.
    told: HashSet<[u8; 16]>,
    failed: Tally,
    left_out: Vec<String>,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, take: &'a mut dyn FnMut(Finding) -> bool) -> Self {
        Self {
            catalogue,
            take,
            told: HashSet::new(),
            failed: Tally::default(),
            left_out: Vec::new(),
        }
    }

    pub(crate) fn take_all(&mut self, findings: Vec<Finding>) -> Result<(), ScanError> {
        for finding in findings {
            if self.is_first(&finding)? && self.can_be_written(&finding) && !(self.take)(finding) {
                return Err(ScanError::Stopped);
            }
        }
        Ok(())
    }

    /// How many were left out, and why the first of them were.
    pub(crate) fn finish(self) -> (Tally, Vec<String>) {
        (self.failed, self.left_out)
    }

    fn is_first(&mut self, finding: &Finding) -> Result<bool, ScanError> {
        let kind = self.catalogue.kind(&finding.kind);
        let key = kind.and_then(|kind| kind.record_key(&finding.record));
        // What has no key is known by all that it says.
        let key = key.unwrap_or_else(|| format!("{:?}", finding.record));
        if self.told.len() >= FINDINGS {
            return Err(ScanError::TooMany);
        }
        let digest = Sha256::new()
            .chain_update(&finding.kind)
            .chain_update([0])
            .chain_update(key)
            .finalize();
        let mut print = [0; 16];
        print.copy_from_slice(&digest[..16]);
        Ok(self.told.insert(print))
    }

    /// A batch with an event that cannot be written would be refused whole, so such a one is kept out of it.
    fn can_be_written(&mut self, finding: &Finding) -> bool {
        let record = std::slice::from_ref(&finding.record);
        let Err(error) = self.catalogue.render(&finding.kind, record) else {
            return true;
        };
        self.failed.at(finding.sort).failed += 1;
        if self.left_out.len() < TOLD {
            self.left_out.push(error.to_string());
        }
        false
    }
}

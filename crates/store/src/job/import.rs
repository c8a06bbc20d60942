//! Imports: what a scanner found waits beside its job, and is raised a batch at a time.
//!
//! The events themselves come by the way of all events ([`Store::accept`], with `only_new`); a step of the job only counts
//! what became of a batch, and moves the cursor.

use std::num::NonZeroU32;

use domain::access::{Actor, Scope};
use domain::finding::{Finding, Scanner, Tally};
use domain::{CompanyId, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{postgres, sqlite};
use crate::codec::to_json;
use crate::{Backend, Store, StoreError};

/// Findings of a batch: so many are raised in one transaction, again the same ones when that has to be tried again.
pub const FINDINGS_BATCH: usize = 200;

/// What was asked of an import, and what was told of the file when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSpec {
    pub company: CompanyId,
    pub scanner: Scanner,
    /// nmap: the ports were seen from outside.
    #[serde(default)]
    pub external: bool,
    /// Trivy: what the asset is called and where it runs, as it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Nothing is raised: only what would be new is counted.
    #[serde(default)]
    pub dry_run: bool,
    /// What was found and has no event kind, with how often.
    #[serde(default)]
    pub passed_over: Vec<(String, u64)>,
    /// Why the file ended before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Why findings were left out, of the first of them.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// The key that a request came under, so that a repeat of it begins nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// With whoever asks, whose key it is.
    pub key: String,
    /// Of what the request held.
    pub digest: [u8; 32],
}

impl Once {
    /// What a request comes to whose key has begun this job before.
    pub(super) fn met(&self, id: JobId, digest: &[u8]) -> Begun {
        match digest == self.digest {
            true => Begun::Before(id),
            false => Begun::KeyReused,
        }
    }
}

/// An import to be begun; its findings were kept before.
#[derive(Debug, Clone)]
pub struct NewImport {
    pub id: JobId,
    pub spec: ImportSpec,
    pub scope: Scope,
    pub rate: NonZeroU32,
    /// Findings that were kept.
    pub size: u64,
    /// Findings that no wording can say.
    pub failed: Tally,
    pub once: Option<Once>,
}

/// What became of the wish to begin an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    Now,
    /// The same request had begun this one before.
    Before(JobId),
    /// The key was used for a request that held something else.
    KeyReused,
    /// As many jobs as may be have not ended yet.
    Full,
}

impl Store {
    /// Keeps findings for an import that is yet to begin, from this one on, which is the first of a batch.
    pub async fn keep_findings(
        &self,
        id: JobId,
        from: u64,
        findings: &[Finding],
    ) -> Result<(), StoreError> {
        let first = from / FINDINGS_BATCH as u64;
        let batches: Vec<String> = findings
            .chunks(FINDINGS_BATCH)
            .map(|batch| to_json(&batch))
            .collect();
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::keep_findings(db, id, first, batches).await,
            Backend::Postgres(db) => postgres::keep_findings(db, id, first, &batches).await,
        }
    }

    /// Forgets what was kept for an import that will not begin.
    pub async fn drop_findings(&self, id: JobId) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::drop_findings(db, id).await,
            Backend::Postgres(db) => postgres::drop_findings(db, id).await,
        }
    }

    /// Begins an import. Where it does not begin, its findings are forgotten.
    pub async fn begin_import(
        &self,
        import: NewImport,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::begin_import(db, import, actor, now).await,
            Backend::Postgres(db) => postgres::begin_import(db, &import, actor, now).await,
        }
    }

    /// The batch of findings that begins with this one; empty when it is not there.
    pub async fn findings(&self, id: JobId, from: u64) -> Result<Vec<Finding>, StoreError> {
        let number = from / FINDINGS_BATCH as u64;
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::findings(db, id, number).await,
            Backend::Postgres(db) => postgres::findings(db, id, number).await,
        }
    }
}

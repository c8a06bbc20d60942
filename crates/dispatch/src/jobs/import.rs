//! A step of an import: raises the next findings by the way of all events, and tells what became of each.
//!
//! What is new is decided in the transaction that stores it. Each batch has an idempotency key of its own: when a node is killed
//! between that transaction and the step that counts it, the batch is asked again and gets the answer that it got before.

use std::time::Duration;

use bytes::Bytes;
use domain::finding::{Finding, Tally};
use domain::{CompanyId, EventId};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use receive::{Raise, RaiseError, Receiver, Wanted};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::{Idempotency, ImportSpec, Job, StoreError};

use crate::Shared;

/// Whose idempotency keys those of batches are; no caller is called so.
const SCOPE: &str = "import";
/// Names the import in the messages that come of it.
const IMPORT: HeaderName = HeaderName::from_static("alertwire-import");

/// What became of a batch.
pub(super) enum Outcome {
    Counted(Tally),
    /// The company brings more than its quota. Nothing was stored.
    OverQuota(Duration),
    /// It will never go.
    Impossible(&'static str),
}

/// Findings that have not been raised, and what became of the others.
struct Batch<'a> {
    left: Vec<&'a Finding>,
    tally: Tally,
}

/// Raises a batch, or with a dry run only asks what of it is known.
pub(super) async fn raise(
    shared: &Shared,
    job: &Job,
    spec: &ImportSpec,
    findings: &[Finding],
) -> Result<Outcome, StoreError> {
    let configuration = shared.store.configuration().await?;
    let Some(company) = configuration.company(spec.company) else {
        return Ok(Outcome::Impossible("the company was removed"));
    };
    let mut batch = Batch {
        left: findings.iter().collect(),
        tally: Tally::default(),
    };
    // Each round but the last leaves one finding out.
    while !batch.left.is_empty() {
        let told = match spec.dry_run {
            true => batch.known(&shared.receiver, spec.company).await,
            false => {
                batch
                    .told(&shared.receiver, job, spec.company, &company.name)
                    .await
            }
        };
        match told {
            Ok(seen) if seen.len() == batch.left.len() => batch.count(&seen),
            Ok(_) => return Ok(Outcome::Impossible("it was raised before, otherwise")),
            Err(RaiseError::Bad { index, error }) => batch.leave_out(index, &error),
            Err(RaiseError::OverQuota { wait }) => return Ok(Outcome::OverQuota(wait)),
            Err(RaiseError::KeyReused) => {
                return Ok(Outcome::Impossible("it was raised before, otherwise"));
            }
            Err(RaiseError::Unavailable(error)) => return Err(error),
        }
    }
    Ok(Outcome::Counted(batch.tally))
}

impl Batch<'_> {
    /// Raises what is left; for each whether it was known.
    async fn told(
        &self,
        receiver: &Receiver,
        job: &Job,
        company: CompanyId,
        name: &str,
    ) -> Result<Vec<bool>, RaiseError> {
        let events = self.left.iter().map(|finding| finding.event(name));
        let raw = Bytes::from(Value::Array(events.collect()).to_string());
        let idempotency = Idempotency {
            scope: SCOPE.to_owned(),
            // Without a finding that was left out it is another request.
            key: format!("{}/{}/{}", job.id, job.cursor, self.left.len()),
            body_hash: Sha256::digest(&raw).into(),
        };
        let raised = receiver
            .raise(
                raw,
                &headers(job),
                self.raises(company),
                Some(idempotency),
                Wanted::New,
            )
            .await?;
        Ok(raised.known)
    }

    /// For each of what is left whether it is known.
    async fn known(
        &self,
        receiver: &Receiver,
        company: CompanyId,
    ) -> Result<Vec<bool>, RaiseError> {
        let known = receiver.known(&self.raises(company)).await?;
        Ok(known.iter().map(Option::<EventId>::is_some).collect())
    }

    fn raises(&self, company: CompanyId) -> Vec<Raise> {
        let raise = |finding: &&Finding| Raise {
            kind: finding.kind.clone(),
            company,
            records: vec![finding.record.clone()],
            severity: None,
            occurred_at: finding.occurred_at,
        };
        self.left.iter().map(raise).collect()
    }

    fn count(&mut self, seen: &[bool]) {
        for (finding, seen) in self.left.drain(..).zip(seen) {
            let count = self.tally.at(finding.sort);
            match seen {
                true => count.seen += 1,
                false => count.new += 1,
            }
        }
    }

    /// A wording was taken away since the file was read.
    fn leave_out(&mut self, index: usize, error: &domain::catalogue::RenderError) {
        let finding = self.left.remove(index.min(self.left.len() - 1));
        tracing::warn!(event = finding.kind, "a finding is left out: {error}");
        self.tally.at(finding.sort).failed += 1;
    }
}

fn headers(job: &Job) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(id) = HeaderValue::try_from(job.id.to_string()) {
        headers.insert(IMPORT, id);
    }
    headers
}

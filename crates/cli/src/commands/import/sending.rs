//! Findings go to the server in batches; the answer says which were new.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use alertwire_catalogue::Catalogue;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

use super::{Finding, Sort};
use crate::api::{Answer, Api};
use crate::clock::random_hex;
use crate::exit::Failure;
use crate::output::talk;

/// Findings of a request.
const BATCH: usize = 500;
/// Most findings of a file.
const FINDINGS: usize = 1_000_000;
/// How often a batch is tried when the server is busy, and the longest wait in between.
const TRIES: u32 = 8;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Findings that cannot be raised are told one by one up to this number.
const TOLD: u64 = 20;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What became of the findings of one sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) new: u64,
    pub(super) seen: u64,
    pub(super) failed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally([Count; Sort::ALL.len()]);

impl Tally {
    pub(super) fn of(&self, sort: Sort) -> Count {
        self.0[sort as usize]
    }

    pub(super) fn failed(&self) -> u64 {
        self.0.iter().map(|count| count.failed).sum()
    }

    fn at(&mut self, sort: Sort) -> &mut Count {
        &mut self.0[sort as usize]
    }
}

pub(super) struct Sender {
    api: Api,
    company: String,
    path: &'static str,
    is_dry_run: bool,
    catalogue: Arc<Catalogue>,
    /// Parts this run from others: a batch that is tried again gets the answer of its first try, another run gets its own.
    run: String,
    batches: u64,
    waiting: Vec<Finding>,
    /// By kind and key: scanners tell some things twice.
    told: HashSet<(&'static str, String)>,
    tally: Tally,
}

impl Sender {
    pub(super) fn new(api: Api, company: String, dry_run: bool) -> Result<Self, Failure> {
        Ok(Self {
            api,
            company,
            path: match dry_run {
                false => "api/v1/events?only_new=true",
                true => "api/v1/events?only_new=true&dry_run=true",
            },
            is_dry_run: dry_run,
            catalogue: Catalogue::builtin(),
            run: random_hex::<16>()?,
            batches: 0,
            waiting: Vec::with_capacity(BATCH),
            told: HashSet::new(),
            tally: Tally::default(),
        })
    }

    /// Takes a finding; a full batch goes out.
    pub(super) async fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        if !self.is_new_here(&finding)? || !self.fits(&finding) {
            return Ok(());
        }
        self.waiting.push(finding);
        match self.waiting.len() >= BATCH {
            true => self.send().await,
            false => Ok(()),
        }
    }

    /// Sends what is left.
    pub(super) async fn finish(mut self) -> Result<Tally, Failure> {
        if !self.waiting.is_empty() {
            self.send().await?;
        }
        Ok(self.tally)
    }

    fn is_new_here(&mut self, finding: &Finding) -> Result<bool, Failure> {
        let kind = self.catalogue.kind(finding.kind);
        let Some(key) = kind.and_then(|kind| kind.record_key(&finding.record)) else {
            return Ok(true);
        };
        if self.told.len() >= FINDINGS {
            let failure = Failure::data(format!("there are more than {FINDINGS} findings"));
            return Err(failure.help("let the scanner write several files"));
        }
        Ok(self.told.insert((finding.kind, key)))
    }

    /// The server refuses a whole batch for one event that cannot be written, so such a one is kept out of it.
    fn fits(&mut self, finding: &Finding) -> bool {
        let record = std::slice::from_ref(&finding.record);
        let Err(error) = self.catalogue.render(finding.kind, record) else {
            return true;
        };
        self.tally.at(finding.sort).failed += 1;
        if self.tally.failed() <= TOLD {
            talk(format!("left out: {error}"));
        }
        false
    }

    async fn send(&mut self) -> Result<(), Failure> {
        let events = self.waiting.iter().map(|one| one.event(&self.company));
        let body = Value::Array(events.collect());
        self.batches += 1;
        let key = format!("import-{}-{}", self.run, self.batches);
        let key = HeaderValue::try_from(key).map_err(Failure::software)?;
        let answer = self.answer(&body, &[(IDEMPOTENCY_KEY, key)]).await;
        let answer = answer
            .and_then(Answer::good)
            .inspect_err(|_| self.told_so_far())?;
        let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
        if items.len() != self.waiting.len() {
            return Err(
                Failure::unavailable("the server did not answer for every finding")
                    .help("is it of another version?"),
            );
        }
        for (finding, item) in self.waiting.drain(..).zip(items) {
            let count = self.tally.at(finding.sort);
            match item["seen"].as_bool() {
                Some(false) => count.new += 1,
                Some(true) => count.seen += 1,
                None => {
                    return Err(Failure::unavailable(
                        "the server did not say what is new; is it of another version?",
                    ));
                }
            }
        }
        Ok(())
    }

    /// What stands although the import ends here.
    fn told_so_far(&self) {
        let new: u64 = self.tally.0.iter().map(|count| count.new).sum();
        if self.batches > 1 && !self.is_dry_run {
            talk(format!(
                "{new} events were raised before this; start it again, they will count as seen"
            ));
        }
    }

    /// The answer of a server that has time; a busy one is asked again when it says.
    async fn answer(
        &self,
        body: &Value,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Answer, Failure> {
        let mut wait = Duration::from_secs(1);
        for _ in 1..TRIES {
            let answer = self
                .api
                .exchange(Method::POST, self.path, Some(body), headers)
                .await?;
            if !matches!(
                answer.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            ) {
                return Ok(answer);
            }
            tokio::time::sleep(answer.retry_after.unwrap_or(wait).min(LONGEST_WAIT)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        self.api
            .exchange(Method::POST, self.path, Some(body), headers)
            .await
    }
}

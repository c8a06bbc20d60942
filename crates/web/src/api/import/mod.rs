//! Imports: what a scanner found becomes events, where the company is not known to have it.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;

pub(crate) mod upload;

use delivery::replay::Asked;
use domain::configuration::Configuration;
use domain::finding::Count;
use domain::{JobId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{ImportSpec, Job, JobKind, JobSpec};
use utoipa::ToSchema;

use super::job::ProgressView;
use super::{Named, job};
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportView {
    id: String,
    /// `running`, `paused`, `cancelled`, `done` or `failed`.
    #[schema(value_type = String)]
    state: &'static str,
    /// `nmap` or `trivy`.
    #[schema(value_type = String)]
    format: &'static str,
    company: Named,
    /// nmap: the ports were seen from outside.
    external: bool,
    /// Trivy: what the asset is called and where it runs, as it was asked.
    hostname: Option<String>,
    ip: Option<String>,
    /// Nothing is raised: `new` is what would be.
    dry_run: bool,
    hosts: CountView,
    ports: CountView,
    vulnerabilities: CountView,
    /// What was found and has no event kind, with how often.
    #[schema(value_type = Object)]
    passed_over: Map<String, Value>,
    /// False when the file ended before its end: what came before that is imported.
    whole: bool,
    /// Why it ended there.
    broken: Option<String>,
    /// Why findings failed, of the first 20.
    left_out: Vec<String>,
    #[serde(flatten)]
    progress: ProgressView,
}

/// What became of the findings of one sort.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountView {
    new: u64,
    /// The company was known to have it.
    seen: u64,
    /// It cannot be written in the words of its kind.
    failed: u64,
}

impl From<Count> for CountView {
    fn from(count: Count) -> Self {
        Self {
            new: count.new,
            seen: count.seen,
            failed: count.failed,
        }
    }
}

impl ImportView {
    /// None of a job that is no import: those have a view of their own.
    fn new(job: &Job, configuration: &Configuration, now: Timestamp) -> Option<Self> {
        let spec = spec(job)?;
        let tally = job.tally.unwrap_or_default();
        let passed_over = spec.passed_over.iter();
        Some(Self {
            id: job.id.to_string(),
            state: job.state.as_str(),
            format: spec.scanner.as_str(),
            company: Named::company(spec.company, configuration),
            external: spec.external,
            hostname: spec.hostname.clone(),
            ip: spec.ip.clone(),
            dry_run: spec.dry_run,
            hosts: tally.hosts.into(),
            ports: tally.ports.into(),
            vulnerabilities: tally.vulnerabilities.into(),
            passed_over: passed_over
                .map(|(what, count)| (what.clone(), Value::from(*count)))
                .collect(),
            whole: spec.broken.is_none(),
            broken: spec.broken.clone(),
            left_out: spec.left_out.clone(),
            progress: ProgressView::new(job, now),
        })
    }

    fn of(job: &Job, app: &App, caller: &Caller) -> Result<Self, Problem> {
        let view = Self::new(job, &caller.configuration, app.now());
        view.ok_or_else(|| Problem::not_found(JobKind::Import.as_str()))
    }
}

/// What was asked of a job that is an import.
pub(crate) fn spec(job: &Job) -> Option<&ImportSpec> {
    match &job.spec {
        JobSpec::Import(spec) => Some(spec),
        JobSpec::Deliveries { .. } | JobSpec::Unrouted { .. } | JobSpec::Reread { .. } => None,
    }
}

/// Gives an order to an import; answers how it stands then.
async fn steer(app: &App, caller: &Caller, id: JobId, asked: Asked) -> Result<ImportView, Problem> {
    let job = job::steer(app, caller, JobKind::Import, id, asked).await?;
    ImportView::of(&job, app, caller)
}

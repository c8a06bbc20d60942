//! What replays, re-readings and imports have in common: they are jobs.

pub(crate) mod export;

use std::cmp::Reverse;
use std::num::NonZeroU32;

use delivery::replay::{Asked, ITEMS, JobState, MOST_RATE, UNFINISHED};
use domain::access::Actor;
use domain::configuration::Configuration;
use domain::{IntegrationId, JobId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{ImportSpec, Job, JobKind, JobSpec, LISTED, Listed, NewJob, Page, PageAt, Steered};
use utoipa::ToSchema;

use super::{Named, called};
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

/// How far a job has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    rate_per_second: u32,
    total: u64,
    /// Of a re-reading: events that got a new reading. Of an import: findings that were new.
    done: u64,
    /// Passed over. Of a replay: it had ended differently, was there already, or goes nowhere by today's rules. Of a
    /// re-reading: events that say the same as before, would tell less, came as fields, or were pruned. Of an import: what
    /// the company was known to have.
    skipped: u64,
    /// Whose stored row cannot be read; of an import: what cannot be written in the words of its kind.
    failed: u64,
    left: u64,
    /// When it will be through at this rate; null when it does not run.
    #[schema(value_type = Option<String>, format = DateTime)]
    eta: Option<Timestamp>,
    #[schema(value_type = Object)]
    actor: Actor,
    /// Why it failed.
    error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl ProgressView {
    pub(super) fn new(job: &Job, now: Timestamp) -> Self {
        let (progress, runs) = (job.progress, job.state == JobState::Running);
        Self {
            rate_per_second: job.rate.get(),
            total: progress.total,
            done: progress.done,
            skipped: progress.skipped,
            failed: progress.failed,
            left: progress.left(),
            eta: runs.then(|| progress.through_at(job.rate, now)),
            actor: job.actor.clone(),
            error: job.error.clone(),
            created_at: job.created_at,
            changed_at: job.changed_at,
            ended_at: job.ended_at,
        }
    }
}

/// The pace that is asked for, or the usual one.
pub(super) fn rate(number: Option<u64>, usual: NonZeroU32) -> Result<NonZeroU32, Problem> {
    let Some(number) = number else {
        return Ok(usual);
    };
    u32::try_from(number)
        .ok()
        .filter(|rate| *rate <= MOST_RATE)
        .and_then(NonZeroU32::new)
        .ok_or_else(|| {
            let detail = format!("is a whole number from 1 to {MOST_RATE}");
            Problem::field("/rate_per_second", detail)
        })
}

/// The keys that were given, in the caller's words.
pub(super) fn words(query: &impl Serialize) -> Value {
    let mut words = serde_json::to_value(query).unwrap_or_default();
    if let Value::Object(keys) = &mut words {
        keys.retain(|_, value| value.as_str().is_some_and(|text| !text.is_empty()));
    }
    words
}

/// Begins a job over all that is listed. `pointer` names what listed it.
pub(super) async fn begin(
    app: &App,
    caller: &Caller,
    spec: JobSpec,
    rate: NonZeroU32,
    listed: Listed,
    pointer: &str,
) -> Result<Job, Problem> {
    if listed.truncated {
        let detail = format!(
            "a job takes at most {ITEMS} items, and tests at most {LISTED} events by a text or filter, and there are more; \
             narrow it, for instance by since and until"
        );
        return Err(Problem::field(pointer, detail));
    }
    let (now, id, kind) = (app.now(), app.fresh(JobId::new), spec.kind());
    let job = NewJob {
        id,
        spec,
        scope: caller.scope().clone(),
        rate,
        listed,
    };
    if !app.store().begin_job(job, &caller.actor(), now).await? {
        return Err(full());
    }
    find(app, caller, kind, id).await
}

/// Jobs of every kind, newest first. Each kind is a list of its own by one kind of id, so the first of all together are among
/// the first of each.
pub(crate) async fn newest(app: &App, caller: &Caller, at: PageAt) -> Result<Page<Job>, Problem> {
    let (mut jobs, mut is_more) = (Vec::new(), false);
    for kind in JobKind::ALL {
        let found = app.store().jobs(caller.scope(), kind, &at).await?;
        is_more |= found.next.is_some();
        jobs.extend(found.items);
    }
    jobs.sort_unstable_by_key(|job| Reverse(job.id));
    let most = usize::from(at.limit());
    is_more |= jobs.len() > most;
    jobs.truncate(most);
    let last = jobs.last().filter(|_| is_more);
    Ok(Page {
        next: last.map(|job| job.id.to_string()),
        items: jobs,
    })
}

/// What a job was asked for, and the integration that it sends to instead.
fn asked(spec: &JobSpec) -> (Value, Option<IntegrationId>) {
    match spec {
        JobSpec::Deliveries { filter, to } => (filter.clone(), *to),
        JobSpec::Unrouted { query } | JobSpec::Reread { query, .. } => (query.clone(), None),
        JobSpec::Import(spec) => (import_asked(spec), None),
    }
}

/// Without what only became known when the file was read.
fn import_asked(spec: &ImportSpec) -> Value {
    let mut asked = serde_json::to_value(spec).unwrap_or_default();
    if let Value::Object(keys) = &mut asked {
        keys.retain(|key, value| {
            !["passed_over", "broken", "left_out"].contains(&key.as_str())
                && *value != Value::Bool(false)
        });
    }
    asked
}

/// What a job is of, in a line: `status=dead integration=Hook → Other hook`. What it names by ids it says by names.
pub(super) fn title(spec: &JobSpec, configuration: &Configuration) -> String {
    let (asked, to) = asked(spec);
    let said = |value: &Value| match value {
        Value::String(text) => called(text, configuration).unwrap_or_else(|| text.clone()),
        Value::Array(several) => format!("{} named", several.len()),
        other => other.to_string(),
    };
    let keys = asked.as_object().into_iter().flatten();
    let words: Vec<String> = keys
        .map(|(key, value)| format!("{key}={}", said(value)))
        .collect();
    let mut title = match words.is_empty() {
        true => "all".to_owned(),
        false => words.join(" "),
    };
    if let Some(to) = to.map(|id| Named::integration(id, configuration)) {
        title.push_str(&format!(" → {}", to.name.unwrap_or(to.id)));
    }
    title
}

/// No further job may begin.
pub(super) fn full() -> Problem {
    Problem::wrong_state(format!(
        "{UNFINISHED} replays, re-readings or imports have not ended yet, and no more may run at once; wait for one or cancel one"
    ))
}

/// A job of this kind that the caller may see.
pub(crate) async fn find(
    app: &App,
    caller: &Caller,
    kind: JobKind,
    id: JobId,
) -> Result<Job, Problem> {
    let job = app.store().job(caller.scope(), id).await?;
    job.filter(|job| job.spec.kind() == kind)
        .ok_or_else(|| Problem::not_found(kind.as_str()))
}

/// Gives an order to a job; answers how it stands then.
pub(crate) async fn steer(
    app: &App,
    caller: &Caller,
    kind: JobKind,
    id: JobId,
    asked: Asked,
) -> Result<Job, Problem> {
    find(app, caller, kind, id).await?;
    let steered = app
        .store()
        .steer_job(caller.scope(), id, asked, &caller.actor(), app.now())
        .await?;
    match steered {
        Steered::Now(job) => Ok(*job),
        Steered::NotFound => Err(Problem::not_found(kind.as_str())),
        Steered::Ended(state) => Err(Problem::wrong_state(format!(
            "it has ended ({}), so there is nothing to {asked}",
            state.as_str()
        ))),
    }
}

//! How far a job is, as the list and the pages of jobs show it.

use delivery::replay::JobState;
use domain::Timestamp;
use domain::access::Actor;
use serde_json::Value;
use store::{ImportSpec, Job, JobSpec};

use crate::console::event::grouped;
use crate::console::text::visible;

/// Longest value of what a job was asked for that is shown, in characters.
const VALUE: usize = 120;

/// A job's standing and its figures.
#[derive(Debug)]
pub(in crate::console) struct Progress {
    pub(in crate::console) class: &'static str,
    pub(in crate::console) glyph: &'static str,
    pub(in crate::console) state: &'static str,
    /// It goes on by itself.
    pub(in crate::console) is_running: bool,
    pub(in crate::console) has_ended: bool,
    pub(in crate::console) total: u64,
    /// How many of them are behind it, whatever came of them.
    pub(in crate::console) behind: u64,
    pub(in crate::console) done: String,
    pub(in crate::console) skipped: String,
    pub(in crate::console) failed: String,
    pub(in crate::console) left: String,
    pub(in crate::console) whole: String,
    pub(in crate::console) percent: u64,
    pub(in crate::console) rate: String,
    /// When it will be through at this pace.
    pub(in crate::console) eta: Option<Timestamp>,
    pub(in crate::console) actor: String,
    pub(in crate::console) begun: Timestamp,
    pub(in crate::console) ended: Option<Timestamp>,
    pub(in crate::console) error: Option<String>,
}

impl Progress {
    pub(in crate::console) fn new(job: &Job, now: Timestamp) -> Self {
        let (class, glyph) = sign(job.state);
        let progress = job.progress;
        let is_running = job.state == JobState::Running;
        let behind = progress.total - progress.left().min(progress.total);
        Self {
            class,
            glyph,
            state: job.state.as_str(),
            is_running,
            has_ended: job.state.has_ended(),
            total: progress.total,
            behind,
            done: grouped(progress.done),
            skipped: grouped(progress.skipped),
            failed: grouped(progress.failed),
            left: grouped(progress.left()),
            whole: grouped(progress.total),
            percent: (behind * 100).checked_div(progress.total).unwrap_or(100),
            rate: grouped(job.rate.get().into()),
            eta: is_running.then(|| progress.through_at(job.rate, now)),
            actor: actor(&job.actor),
            begun: job.created_at,
            ended: job.ended_at,
            error: job.error.as_deref().map(visible),
        }
    }

    #[cfg(test)]
    pub(in crate::console) fn sample(state: JobState) -> Self {
        let (class, glyph) = sign(state);
        Self {
            class,
            glyph,
            state: state.as_str(),
            is_running: state == JobState::Running,
            has_ended: state.has_ended(),
            total: 1_000,
            behind: 250,
            done: "200".to_owned(),
            skipped: "49".to_owned(),
            failed: "1".to_owned(),
            left: "750".to_owned(),
            whole: "1,000".to_owned(),
            percent: 25,
            rate: "50".to_owned(),
            eta: (state == JobState::Running).then_some(Timestamp::from_micros(9)),
            actor: visible("<img src=x>\u{202e}"),
            begun: Timestamp::from_micros(1),
            ended: state.has_ended().then_some(Timestamp::from_micros(2)),
            error: (state == JobState::Failed).then(|| visible("<b>\u{202e}")),
        }
    }
}

fn sign(state: JobState) -> (&'static str, &'static str) {
    match state {
        JobState::Running => ("wait", "…"),
        JobState::Paused => ("held", "‖"),
        JobState::Cancelled => ("held", "✕"),
        JobState::Done => ("good", "✓"),
        JobState::Failed => ("bad", "✕"),
    }
}

fn actor(actor: &Actor) -> String {
    match actor {
        Actor::Key { name, .. } => format!("API key {}", visible(name)),
        Actor::User { name, .. } => visible(name),
        Actor::Local => "the command line".to_owned(),
        Actor::System => "Alertwire".to_owned(),
    }
}

/// What a job was asked for, in the words of whoever asked: `match: none`.
pub(in crate::console) fn wanted(spec: &JobSpec) -> Vec<(String, String)> {
    let asked = match spec {
        JobSpec::Deliveries { filter, .. } => filter,
        JobSpec::Unrouted { query } | JobSpec::Reread { query, .. } => query,
        JobSpec::Import(spec) => return of_import(spec),
    };
    let pairs = asked.as_object().into_iter().flatten();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| (visible(name), shown(value)))
        .collect();
    match pairs.is_empty() {
        true => vec![("all".to_owned(), "every event".to_owned())],
        false => pairs,
    }
}

/// The company is added by its name where the page knows it.
fn of_import(spec: &ImportSpec) -> Vec<(String, String)> {
    let mut pairs = vec![("results of".to_owned(), spec.scanner.name().to_owned())];
    if spec.external {
        pairs.push(("seen from".to_owned(), "outside".to_owned()));
    }
    let named = [("host name", &spec.hostname), ("address", &spec.ip)];
    for (word, value) in named {
        if let Some(value) = value {
            pairs.push((word.to_owned(), shown(&Value::from(value.as_str()))));
        }
    }
    if spec.dry_run {
        pairs.push(("dry run".to_owned(), "nothing is raised".to_owned()));
    }
    pairs
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text).chars().take(VALUE).collect(),
        Value::Array(items) if items.len() == 1 => shown(&items[0]),
        Value::Array(items) => format!("{} named", grouped(items.len() as u64)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_asked_is_told_in_words() {
        let reread = |query| JobSpec::Reread {
            query,
            route: false,
        };
        let of = |query| wanted(&reread(query));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(of(json!({"days": 7})), [pair("days", "7")]);
        assert_eq!(
            of(json!({"events": ["a", "b"]})),
            [pair("events", "2 named")]
        );
        assert_eq!(of(json!({"events": ["a"]})), [pair("events", "a")]);
        assert_eq!(of(json!({})), [pair("all", "every event")]);
    }
}

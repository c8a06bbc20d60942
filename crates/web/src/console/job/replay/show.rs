use askama::Template;
use axum::extract::State;
use domain::JobId;
use domain::configuration::Configuration;
use store::{Job, JobKind, JobSpec};
use url::form_urlencoded::Serializer;

use crate::App;
use crate::api::Named;
use crate::api::job::find;
use crate::console::filters;
use crate::console::job::asked::Ask;
use crate::console::job::place;
use crate::console::job::progress::{Progress, wanted};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Id, Query};

#[derive(Debug, Template)]
#[template(path = "job/replay.html")]
pub(super) struct ReplayPage {
    frame: Frame,
    path: String,
    wanted: Vec<(String, String)>,
    /// The other integration that gets them.
    to: Option<String>,
    /// Events that went nowhere, in the place of deliveries.
    unrouted: bool,
    progress: Progress,
    /// What was asked for, as a list of today.
    list: Option<String>,
    asks_to_cancel: bool,
    /// Of the figures: what was done with each.
    done_word: &'static str,
    passed_word: &'static str,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<JobId>,
    Query(query): Query<Ask>,
) -> Page {
    let caller = &visitor.caller;
    let job = find(&app, caller, JobKind::Replay, id).await?;
    let frame = Frame::new(&visitor, Here::Jobs, "Replay", None);
    let progress = Progress::new(&job, app.now());
    let may_cancel = frame.may_operate && !progress.has_ended;
    let to = match &job.spec {
        JobSpec::Deliveries { to, .. } => *to,
        JobSpec::Unrouted { .. } | JobSpec::Reread { .. } | JobSpec::Import(_) => None,
    };
    page(&ReplayPage {
        asks_to_cancel: may_cancel && query.ask.as_deref() == Some("cancel"),
        frame,
        path: format!("/{}/{id}", place(JobKind::Replay)),
        wanted: named(wanted(&job.spec), &caller.configuration),
        to: to.map(|id| Named::integration(id, &caller.configuration).shown()),
        unrouted: matches!(job.spec, JobSpec::Unrouted { .. }),
        list: list(&job),
        progress,
        done_word: "Put in line",
        passed_word: "Passed over",
    })
}

/// What was asked for, with the integration by its name.
fn named(wanted: Vec<(String, String)>, configuration: &Configuration) -> Vec<(String, String)> {
    let name = |(name, value): (String, String)| match value.parse() {
        Ok(id) if name == "integration" => (name, Named::integration(id, configuration).shown()),
        _ => (name, value),
    };
    wanted.into_iter().map(name).collect()
}

/// The list of what was asked for. What was sent since stands there as it is now: a status would hide it.
fn list(job: &Job) -> Option<String> {
    let (path, asked) = match &job.spec {
        JobSpec::Deliveries { filter, .. } => ("/deliveries", filter),
        JobSpec::Unrouted { query } => ("/events", query),
        JobSpec::Reread { .. } | JobSpec::Import(_) => return None,
    };
    let mut written = Serializer::new(String::new());
    for (name, value) in asked.as_object()? {
        let of_then = ["status", "failing", "reason", "fault", "cause", "routing"];
        if !of_then.contains(&name.as_str()) {
            written.append_pair(name, value.as_str()?);
        }
    }
    Some(format!("{path}?{}", written.finish()))
}

#[cfg(test)]
impl ReplayPage {
    pub(super) fn samples() -> Vec<Self> {
        use delivery::replay::JobState;
        let hostile = crate::console::text::visible("<img src=x onerror=alert(1)>\u{202e}");
        let page = |state: JobState| Self {
            frame: Frame::sample(Here::Jobs),
            path: "/replays/1".to_owned(),
            wanted: vec![(hostile.clone(), hostile.clone())],
            to: (state == JobState::Running).then(|| hostile.clone()),
            unrouted: state == JobState::Done,
            progress: Progress::sample(state),
            list: Some("/deliveries?integration=1".to_owned()),
            asks_to_cancel: state == JobState::Paused,
            done_word: "Put in line",
            passed_word: "Passed over",
        };
        JobState::ALL.map(page).into()
    }
}

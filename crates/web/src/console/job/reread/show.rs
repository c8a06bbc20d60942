use askama::Template;
use axum::extract::State;
use domain::JobId;
use store::{Job, JobKind, JobSpec};
use url::form_urlencoded::Serializer;

use crate::App;
use crate::api::job::find;
use crate::console::filters;
use crate::console::job::asked::Ask;
use crate::console::job::place;
use crate::console::job::progress::{Progress, wanted};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Id, Query};

#[derive(Debug, Template)]
#[template(path = "job/reread.html")]
pub(super) struct RereadPage {
    frame: Frame,
    path: String,
    wanted: Vec<(String, String)>,
    route: bool,
    progress: Progress,
    /// The events, where a list can show them.
    events: Option<String>,
    asks_to_cancel: bool,
    /// Of the figures: what was done with an event.
    done_word: &'static str,
    passed_word: &'static str,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<JobId>,
    Query(query): Query<Ask>,
) -> Page {
    let job = find(&app, &visitor.caller, JobKind::Reread, id).await?;
    let frame = Frame::new(&visitor, Here::Jobs, "Re-reading", None);
    let progress = Progress::new(&job, app.now());
    let may_cancel = frame.may_operate && !progress.has_ended;
    page(&RereadPage {
        asks_to_cancel: may_cancel && query.ask.as_deref() == Some("cancel"),
        frame,
        path: format!("/{}/{id}", place(JobKind::Reread)),
        wanted: wanted(&job.spec),
        route: matches!(job.spec, JobSpec::Reread { route: true, .. }),
        events: events(&job),
        progress,
        done_word: "Read anew",
        passed_word: "Passed over",
    })
}

/// The list of the events, where it was asked for by the keys of one alone.
fn events(job: &Job) -> Option<String> {
    let JobSpec::Reread { query, .. } = &job.spec else {
        return None;
    };
    let keys = query.as_object()?;
    let mut written = Serializer::new(String::new());
    for (name, value) in keys {
        written.append_pair(name, value.as_str()?);
    }
    Some(format!("/events?{}", written.finish()))
}

#[cfg(test)]
impl RereadPage {
    pub(super) fn samples() -> Vec<Self> {
        use delivery::replay::JobState;
        let hostile = crate::console::text::visible("<img src=x onerror=alert(1)>\u{202e}");
        let page = |state: JobState| Self {
            frame: Frame::sample(Here::Jobs),
            path: "/rereads/1".to_owned(),
            wanted: vec![(hostile.clone(), hostile.clone())],
            route: state == JobState::Running,
            progress: Progress::sample(state),
            events: Some("/events?match=none".to_owned()),
            asks_to_cancel: state == JobState::Paused,
            done_word: "Read anew",
            passed_word: "Passed over",
        };
        JobState::ALL.map(page).into()
    }
}

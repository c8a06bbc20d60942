use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::configuration::Configuration;
use serde::Deserialize;
use store::{Job, JobKind, JobSpec};

use super::place;
use super::progress::{Progress, wanted};
use crate::App;
use crate::api::Named;
use crate::api::job::newest;
use crate::console::filters;
use crate::console::page::ROWS;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{PageQuery, Query};

#[derive(Debug, Template)]
#[template(path = "job/list.html")]
pub(in crate::console) struct JobsPage {
    frame: Frame,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
    /// Some of them go on by themselves.
    is_running: bool,
}

/// A job in a list.
#[derive(Debug)]
struct Row {
    path: String,
    kind: &'static str,
    wanted: Vec<(String, String)>,
    to: Option<String>,
    progress: Progress,
}

/// Which page of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct JobsQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(query): Query<JobsQuery>,
) -> Page {
    let caller = &visitor.caller;
    let state = state(&query);
    let at = PageQuery::new(query.limit, query.cursor).or(ROWS);
    let is_later = at.is_later();
    let found = newest(&app, caller, at.at()?).await?;
    let now = app.now();
    let row = |job: &Job| Row::new(job, &caller.configuration, now);
    let rows: Vec<Row> = found.items.iter().map(row).collect();
    page(&JobsPage {
        frame: Frame::new(&visitor, Here::Jobs, "Jobs", None),
        is_running: rows.iter().any(|row| row.progress.is_running),
        rows,
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later,
        files: state.files("/api/v1/jobs/export"),
        state,
    })
}

fn state(query: &JobsQuery) -> query::State {
    query::State::new("/jobs", &[("limit", query.limit.as_deref())])
}

impl Row {
    fn new(job: &Job, configuration: &Configuration, now: Timestamp) -> Self {
        let kind = job.spec.kind();
        let to = match &job.spec {
            JobSpec::Deliveries { to, .. } => to.map(|id| Named::integration(id, configuration)),
            JobSpec::Import(spec) => Some(Named::company(spec.company, configuration)),
            JobSpec::Unrouted { .. } | JobSpec::Reread { .. } => None,
        };
        Self {
            path: format!("/{}/{}", place(kind), job.id),
            kind: match kind {
                JobKind::Reread => "Re-reading",
                JobKind::Replay => "Replay",
                JobKind::Import => "Import",
            },
            wanted: wanted(&job.spec),
            to: to.map(|named| named.shown()),
            progress: Progress::new(job, now),
        }
    }
}

impl JobsPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        use delivery::replay::JobState;
        let hostile = crate::console::text::visible("<img src=x onerror=alert(1)>\u{202e}");
        let row = |state| Row {
            path: "/rereads/1".to_owned(),
            kind: "Re-reading",
            wanted: vec![(hostile.clone(), hostile.clone())],
            to: Some(hostile.clone()),
            progress: Progress::sample(state),
        };
        let page = |rows: Vec<Row>, is_later| Self {
            frame: Frame::sample(Here::Jobs),
            state: state(&JobsQuery::default()),
            files: state(&JobsQuery::default()).files("/api/v1/jobs/export"),
            is_running: !rows.is_empty(),
            next: (!rows.is_empty()).then(|| "/jobs?cursor=1".to_owned()),
            rows,
            is_later,
        };
        vec![
            page(JobState::ALL.map(row).into(), false),
            page(Vec::new(), false),
            page(Vec::new(), true),
        ]
    }
}

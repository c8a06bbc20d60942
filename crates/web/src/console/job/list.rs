use std::cmp::Reverse;

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::configuration::Configuration;
use serde::Deserialize;
use store::{Job, JobKind, JobSpec, PageAt};

use super::progress::{Progress, wanted};
use crate::App;
use crate::api::Named;
use crate::console::filters;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::Query;

/// Rows of a page.
const ROWS: u16 = 50;

#[derive(Debug, Template)]
#[template(path = "job/list.html")]
pub(in crate::console) struct JobsPage {
    frame: Frame,
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
    cursor: Option<String>,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(query): Query<JobsQuery>,
) -> Page {
    let caller = &visitor.caller;
    let cursor = query.cursor.filter(|cursor| !cursor.is_empty());
    let is_later = cursor.is_some();
    // The kinds are lists of their own by one kind of id, so the first of all together are among the first of each.
    let at = PageAt::new(Some(ROWS), cursor);
    let (mut jobs, mut is_more): (Vec<Job>, bool) = (Vec::new(), false);
    for kind in JobKind::ALL {
        let page = app.store().jobs(caller.scope(), kind, &at).await?;
        is_more |= page.next.is_some();
        jobs.extend(page.items);
    }
    jobs.sort_unstable_by_key(|job| Reverse(job.id));
    let is_more = is_more || jobs.len() > usize::from(ROWS);
    jobs.truncate(usize::from(ROWS));
    let last = jobs.last().filter(|_| is_more);
    let next = last.map(|job| format!("/jobs?cursor={}", job.id));
    let now = app.now();
    let row = |job: &Job| Row::new(job, &caller.configuration, now);
    let rows: Vec<Row> = jobs.iter().map(row).collect();
    page(&JobsPage {
        frame: Frame::new(&visitor, Here::Jobs, "Jobs", None),
        is_running: rows.iter().any(|row| row.progress.is_running),
        rows,
        next,
        is_later,
    })
}

impl Row {
    fn new(job: &Job, configuration: &Configuration, now: Timestamp) -> Self {
        let (kind, place) = match job.spec.kind() {
            JobKind::Reread => ("Re-reading", "rereads"),
            JobKind::Replay => ("Replay", "replays"),
            JobKind::Import => ("Import", "imports"),
        };
        let to = match &job.spec {
            JobSpec::Deliveries { to, .. } => to.map(|id| Named::integration(id, configuration)),
            JobSpec::Import(spec) => Some(Named::company(spec.company, configuration)),
            JobSpec::Unrouted { .. } | JobSpec::Reread { .. } => None,
        };
        Self {
            path: format!("/{place}/{}", job.id),
            kind,
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

use askama::Template;
use axum::extract::State;
use domain::JobId;
use domain::finding::{Sort, Tally};
use store::{ImportSpec, Job, JobKind};
use url::form_urlencoded::Serializer;

use crate::App;
use crate::api::Named;
use crate::api::import::spec;
use crate::api::job::find;
use crate::console::event::grouped;
use crate::console::filters;
use crate::console::job::asked::Ask;
use crate::console::job::place;
use crate::console::job::progress::{Progress, wanted};
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Id, Query};

#[derive(Debug, Template)]
#[template(path = "job/import.html")]
pub(super) struct ImportPage {
    frame: Frame,
    path: String,
    company: String,
    wanted: Vec<(String, String)>,
    dry_run: bool,
    progress: Progress,
    sorts: Vec<SortRow>,
    /// What was found and has no event kind.
    passed_over: Vec<(String, String)>,
    left_out: Vec<String>,
    /// Why the file ended before its end.
    broken: Option<String>,
    /// The events that came of it.
    events: Option<String>,
    /// The form, to be asked the same again.
    again: String,
    asks_to_cancel: bool,
    /// Of the figures: what was done with a finding, and when it was passed over.
    done_word: &'static str,
    passed_word: &'static str,
}

/// What became of the findings of one sort.
#[derive(Debug)]
struct SortRow {
    word: &'static str,
    new: String,
    seen: String,
    failed: String,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<JobId>,
    Query(query): Query<Ask>,
) -> Page {
    let caller = &visitor.caller;
    let job = find(&app, caller, JobKind::Import, id).await?;
    let asked = spec(&job).ok_or_else(|| Problem::not_found(JobKind::Import.as_str()))?;
    let frame = Frame::new(&visitor, Here::Jobs, "Import", None);
    let progress = Progress::new(&job, app.now());
    let may_cancel = frame.may_operate && !progress.has_ended;
    let company = Named::company(asked.company, &caller.configuration).shown();
    let passed_over = asked.passed_over.iter();
    page(&ImportPage {
        asks_to_cancel: may_cancel && query.ask.as_deref() == Some("cancel"),
        frame,
        path: format!("/{}/{id}", place(JobKind::Import)),
        wanted: wanted(&job.spec),
        dry_run: asked.dry_run,
        sorts: sorts(job.tally.unwrap_or_default()),
        passed_over: passed_over
            .map(|(what, count)| (visible(what), grouped(*count)))
            .collect(),
        left_out: asked.left_out.iter().map(|why| visible(why)).collect(),
        broken: asked.broken.as_deref().map(visible),
        events: events(&job, asked),
        again: again(asked, &caller.configuration),
        company,
        progress,
        done_word: done_word(asked.dry_run),
        passed_word: "Seen before",
    })
}

fn done_word(dry_run: bool) -> &'static str {
    match dry_run {
        true => "Would be new",
        false => "New",
    }
}

fn sorts(tally: Tally) -> Vec<SortRow> {
    let row = |sort: Sort| {
        let count = tally.of(sort);
        SortRow {
            word: match sort {
                Sort::Host => "Hosts",
                Sort::Port => "Open ports",
                Sort::Vulnerability => "Vulnerabilities",
            },
            new: grouped(count.new),
            seen: grouped(count.seen),
            failed: grouped(count.failed),
        }
    };
    Sort::ALL.map(row).into()
}

/// The events of the company since the import began, and until it ended: most are the import's.
fn events(job: &Job, asked: &ImportSpec) -> Option<String> {
    if asked.dry_run || job.progress.done == 0 {
        return None;
    }
    let mut query = Serializer::new(String::new());
    query.append_pair("company", &asked.company.to_string());
    query.append_pair("since", &job.created_at.to_string());
    if let Some(ended) = job.ended_at {
        query.append_pair("until", &ended.to_string());
    }
    Some(format!("/events?{}", query.finish()))
}

fn again(asked: &ImportSpec, configuration: &domain::configuration::Configuration) -> String {
    let company = configuration.company(asked.company);
    let mut query = Serializer::new(String::new());
    query.append_pair("format", asked.scanner.as_str());
    if let Some(company) = company {
        query.append_pair("company", &company.name);
    }
    for (name, value) in [("hostname", &asked.hostname), ("ip", &asked.ip)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    if asked.external {
        query.append_pair("external", "on");
    }
    format!("/imports/new?{}", query.finish())
}

#[cfg(test)]
impl ImportPage {
    pub(super) fn samples() -> Vec<Self> {
        use delivery::replay::JobState;
        let hostile = visible("<img src=x onerror=alert(1)>\u{202e}");
        let page = |state: JobState| Self {
            frame: Frame::sample(Here::Jobs),
            path: "/imports/1".to_owned(),
            company: hostile.clone(),
            wanted: vec![(hostile.clone(), hostile.clone())],
            dry_run: state == JobState::Done,
            progress: Progress::sample(state),
            sorts: sorts(Tally::default()),
            passed_over: vec![(hostile.clone(), "2".to_owned())],
            left_out: vec![hostile.clone()],
            broken: (state == JobState::Done).then(|| hostile.clone()),
            events: (state == JobState::Running).then(|| "/events?company=1".to_owned()),
            again: "/imports/new?format=nmap".to_owned(),
            asks_to_cancel: state == JobState::Paused,
            done_word: done_word(state == JobState::Done),
            passed_word: "Seen before",
        };
        JobState::ALL.map(page).into()
    }
}

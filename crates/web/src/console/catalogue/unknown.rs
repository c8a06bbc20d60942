//! What is not understood: subjects and wordings that no template reads whole.

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::filter::quoted;
use serde::Deserialize;

use super::{kind_path, path_with};
use crate::App;
use crate::api::lesson::unknown::{UnknownQuery, UnknownView, get};
use crate::console::filters;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{Query, Viewer};

/// Where the page is.
const PATH: &str = "/catalogue/unknown";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    days: Option<String>,
    company: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "catalogue/unknown.html")]
pub(super) struct UnknownPage {
    frame: Frame,
    days: u16,
    files: query::Files,
    events: u64,
    is_complete: bool,
    rows: Vec<Row>,
    /// There are further subjects.
    more: bool,
}

/// A subject whose alerts are not read in full.
#[derive(Debug)]
struct Row {
    subject: Shown,
    /// The kind that it names: code and page.
    kind: Option<(String, String)>,
    none: u64,
    partial: u64,
    last_seen: Timestamp,
    sample: Shown,
    event: String,
    learn: String,
    tester: String,
    events: String,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let wanted = UnknownQuery {
        days: asked.days.clone(),
        company: asked.company.clone(),
    };
    let found = get(app, Viewer(visitor.caller.clone()), Query(wanted))
        .await?
        .0;
    let days = found.days;
    let company = asked.company.as_deref();
    let frame = Frame::new(&visitor, Here::Catalogue, "Not recognised", company);
    page(&UnknownPage {
        frame: frame.narrowing(PATH),
        files: files(&asked),
        days,
        events: found.events,
        is_complete: found.complete,
        rows: found
            .items
            .into_iter()
            .map(|subject| Row::new(subject, days, company.unwrap_or_default()))
            .collect(),
        more: found.more,
    })
}

fn files(asked: &Asked) -> query::Files {
    let all = [
        ("days", asked.days.as_deref()),
        ("company", asked.company.as_deref()),
    ];
    query::State::new(PATH, &all).files("/api/v1/catalog/unknown/export")
}

impl Row {
    fn new(unknown: UnknownView, days: u16, company: &str) -> Self {
        let filter = format!("subject={}", quoted(&unknown.subject));
        let days = days.to_string();
        let events = query::State::new(
            "/events",
            &[("filter", Some(&*filter)), ("company", Some(company))],
        );
        let lesson = [("subject", unknown.subject.as_str()), ("days", &days)];
        Self {
            learn: path_with("/catalogue/learn", &lesson),
            tester: path_with("/catalogue/tester", &[("event", &unknown.event_id)]),
            events: events.newest(),
            event: format!("/events/{}", unknown.event_id),
            subject: Shown::line(&unknown.subject, ROW),
            kind: unknown
                .event
                .as_deref()
                .map(|code| (visible(code), kind_path(code))),
            none: unknown.none,
            partial: unknown.partial,
            last_seen: unknown.last_seen,
            sample: Shown::line(&unknown.sample, ROW),
        }
    }
}

impl UnknownPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><img src=x onerror=alert(1)>\u{202e}";
        let row = |event: Option<&str>| {
            let unknown = UnknownView {
                subject: hostile.to_owned(),
                event: event.map(str::to_owned),
                none: 3,
                partial: 1,
                last_seen: Timestamp::from_micros(1_764_122_400_000_000),
                event_id: "1".to_owned(),
                sample: hostile.to_owned(),
            };
            Row::new(unknown, 7, "")
        };
        let page = |rows: Vec<Row>| Self {
            frame: Frame::sample(Here::Catalogue),
            days: 7,
            files: files(&Asked::default()),
            events: 10,
            is_complete: rows.is_empty(),
            more: !rows.is_empty(),
            rows,
        };
        vec![page(Vec::new()), page(vec![row(None), row(Some("a.b"))])]
    }
}

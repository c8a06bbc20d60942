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
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Query, Viewer};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    days: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "catalogue/unknown.html")]
pub(super) struct UnknownPage {
    frame: Frame,
    days: u16,
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
    let wanted = UnknownQuery { days: asked.days };
    let found = get(app, Viewer(visitor.caller.clone()), Query(wanted))
        .await?
        .0;
    let days = found.days;
    page(&UnknownPage {
        frame: Frame::new(&visitor, Here::Catalogue, "Not recognised", None),
        days,
        events: found.events,
        is_complete: found.complete,
        rows: found
            .items
            .into_iter()
            .map(|subject| Row::new(subject, days))
            .collect(),
        more: found.more,
    })
}

impl Row {
    fn new(unknown: UnknownView, days: u16) -> Self {
        let filter = format!("subject={}", quoted(&unknown.subject));
        let days = days.to_string();
        let lesson = [("subject", unknown.subject.as_str()), ("days", &days)];
        Self {
            learn: path_with("/catalogue/learn", &lesson),
            tester: path_with("/catalogue/tester", &[("event", &unknown.event_id)]),
            events: path_with("/events", &[("filter", &filter)]),
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
            Row::new(unknown, 7)
        };
        let page = |rows: Vec<Row>| Self {
            frame: Frame::sample(Here::Catalogue),
            days: 7,
            events: 10,
            is_complete: rows.is_empty(),
            more: !rows.is_empty(),
            rows,
        };
        vec![page(Vec::new()), page(vec![row(None), row(Some("a.b"))])]
    }
}

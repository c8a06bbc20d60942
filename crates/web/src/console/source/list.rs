use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::source::{Authentication, Require, Source};
use domain::time::format_duration;
use serde::Deserialize;

use crate::App;
use crate::api::source::list::{SourcesQuery, Wanted};
use crate::api::source::seen_whole;
use crate::console::by_name::ByName;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, filters, page, query, reach};
use crate::read::{Caller, PageQuery, Query};

#[derive(Debug, Template)]
#[template(path = "source/list.html")]
pub(super) struct SourcesPage {
    frame: Frame,
    asked: Asked,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// Part of a name.
    text: Option<String>,
    company: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug)]
struct Row {
    path: String,
    name: String,
    intake: String,
    ways: String,
    companies: String,
    dedup: Option<String>,
    activity: Option<Activity>,
}

/// What came of late, to this node.
#[derive(Debug)]
struct Activity {
    seen: Option<Timestamp>,
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let caller = &visitor.caller;
    let query = SourcesQuery {
        text: asked.text.clone(),
        company: asked.company.clone(),
        ..SourcesQuery::default()
    };
    let wanted = Wanted::read(&query, caller)?;
    let sources = caller.configuration.sources();
    let fitting = sources.filter(|source| wanted.fits(source, caller));
    let at = PageQuery::new(asked.limit.clone(), asked.cursor.clone()).or(ROWS);
    let is_later = at.is_later();
    let found = at.of(fitting, |source: &&Arc<Source>| {
        ByName::new(&source.name, source.id)
    })?;
    let state = state(&asked);
    page(&SourcesPage {
        frame: Frame::new(&visitor, Here::Sources, "Sources", asked.company.as_deref()),
        rows: found
            .items
            .into_iter()
            .map(|source| Row::new(source, &app, caller))
            .collect(),
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later,
        files: state.files("/api/v1/sources/export"),
        state,
        asked,
    })
}

fn state(asked: &Asked) -> query::State {
    query::State::new(
        "/sources",
        &[
            ("text", asked.text.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", asked.limit.as_deref()),
        ],
    )
}

impl Row {
    fn new(source: &Source, app: &App, caller: &Caller) -> Self {
        let tally = seen_whole(source, caller).then(|| app.tallies().view(source.id));
        let companies = Some(source.companies.as_slice()).filter(|ids| !ids.is_empty());
        Self {
            path: format!("/sources/{}", source.id),
            name: visible(&source.name),
            intake: format!("/intake/{}", source.id),
            ways: ways(&source.authentication),
            companies: reach::words(caller, companies),
            dedup: source.dedup_window.map(format_duration),
            activity: tally.map(|tally| Activity {
                seen: tally.last_seen_at,
                accepted: tally.accepted,
                duplicates: tally.duplicates,
                refused: tally.refused,
            }),
        }
    }
}

/// How a sender proves itself, in a line.
pub(super) fn ways(wanted: &Authentication) -> String {
    let ways = [
        ("header", wanted.header.is_some()),
        ("user name and password", wanted.basic.is_some()),
        ("authentication URL", wanted.login.is_some()),
        ("signature", !wanted.signature.is_empty()),
    ];
    let ways: Vec<_> = ways
        .into_iter()
        .filter_map(|(way, is_set)| is_set.then_some(way))
        .collect();
    let joint = match wanted.require {
        Require::Any => " or ",
        Require::All => " and ",
    };
    let ways = ways.join(joint);
    match (ways.is_empty(), wanted.addresses.is_empty()) {
        (_, true) => ways,
        (true, false) => "address".to_owned(),
        (false, false) => format!("{ways}, and address"),
    }
}

impl SourcesPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |seen: Option<Timestamp>, is_seen_whole: bool| Row {
            path: "/sources/1".to_owned(),
            name: hostile.to_owned(),
            intake: "/intake/1".to_owned(),
            ways: "header".to_owned(),
            companies: hostile.to_owned(),
            dedup: seen.map(|_| "5m".to_owned()),
            activity: is_seen_whole.then_some(Activity {
                seen,
                accepted: 3,
                duplicates: 0,
                refused: 2,
            }),
        };
        let page = |asked: Asked, rows: Vec<Row>| Self {
            frame: Frame::sample(Here::Sources),
            files: state(&asked).files("/api/v1/sources/export"),
            state: state(&asked),
            is_later: asked.cursor.is_some(),
            asked,
            next: (!rows.is_empty()).then(|| "/sources?cursor=1".to_owned()),
            rows,
        };
        let narrowed = Asked {
            text: Some("\"><script>".to_owned()),
            cursor: Some("1".to_owned()),
            ..Asked::default()
        };
        let at = Some(Timestamp::from_micros(1_764_122_400_000_000));
        let rows = vec![row(at, true), row(None, true), row(None, false)];
        vec![
            page(Asked::default(), rows),
            page(Asked::default(), Vec::new()),
            page(narrowed, Vec::new()),
        ]
    }
}

//! Wordings that changed: alerts that used to be read in full and are not any more.

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use serde::Deserialize;

use super::{kind_path, path_with};
use crate::App;
use crate::api::lesson::drift::{DriftQuery, DriftView, SampleView, list};
use crate::console::filters;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{Query, Viewer};

/// Where the page is.
const PATH: &str = "/catalogue/drift";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    company: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "catalogue/drift.html")]
pub(super) struct DriftPage {
    frame: Frame,
    files: query::Files,
    alarms: Vec<Alarm>,
    /// There may be further alarms.
    more: bool,
}

#[derive(Debug)]
struct Alarm {
    subject: Shown,
    code: String,
    kind: String,
    source: String,
    company: Option<String>,
    since: Timestamp,
    /// In percent.
    before: u8,
    now: u8,
    new_tail: Shown,
    samples: Vec<(String, Shown)>,
    template: Option<String>,
    learn: String,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let company = asked.company.as_deref();
    let wanted = DriftQuery {
        company: asked.company.clone(),
    };
    let found = list(app, Viewer(visitor.caller.clone()), Query(wanted)).await?;
    let found = found.0;
    let frame = Frame::new(&visitor, Here::Catalogue, "Changed wordings", company);
    page(&DriftPage {
        frame: frame.narrowing(PATH),
        files: files(company),
        alarms: found.items.into_iter().map(Alarm::new).collect(),
        more: found.more,
    })
}

fn files(company: Option<&str>) -> query::Files {
    query::State::new(PATH, &[("company", company)]).files("/api/v1/catalog/drift/export")
}

impl Alarm {
    fn new(drift: DriftView) -> Self {
        let sample = |sample: SampleView| {
            let path = format!("/events/{}", sample.event_id);
            (path, Shown::line(&sample.body, ROW))
        };
        let lesson = [
            ("events", &*drift.events.join(",")),
            ("variant_of", &drift.event),
        ];
        Self {
            learn: path_with("/catalogue/learn", &lesson),
            subject: Shown::line(&drift.subject, ROW),
            code: visible(&drift.event),
            kind: kind_path(&drift.event),
            source: drift.source.shown(),
            company: drift.company.map(|company| company.shown()),
            since: drift.since,
            before: percent(drift.before),
            now: percent(drift.now),
            new_tail: Shown::line(&drift.new_tail, ROW),
            samples: drift.samples.into_iter().map(sample).collect(),
            template: drift.suggestion.map(|proposal| visible(&proposal.template)),
        }
    }
}

/// A share from 0 to 1 in whole percent.
fn percent(share: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is from 0 to 100"
    )]
    let percent = (share * 100.0).round().clamp(0.0, 100.0) as u8;
    percent
}

impl DriftPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        use crate::api::Named;
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let named = || Named {
            id: "1".to_owned(),
            name: Some(hostile.to_owned()),
        };
        let alarm = |company: Option<Named>| {
            Alarm::new(DriftView {
                subject: hostile.to_owned(),
                event: "a.b".to_owned(),
                source: named(),
                company,
                since: Timestamp::from_micros(1_764_122_400_000_000),
                before: 0.987,
                now: 0.1,
                new_tail: hostile.to_owned(),
                samples: vec![SampleView {
                    event_id: "1".to_owned(),
                    body: hostile.to_owned(),
                }],
                suggestion: None,
                events: vec!["1".to_owned(), "2".to_owned()],
            })
        };
        let page = |alarms: Vec<Alarm>| Self {
            frame: Frame::sample(Here::Catalogue),
            files: files(None),
            more: !alarms.is_empty(),
            alarms,
        };
        vec![
            page(Vec::new()),
            page(vec![alarm(None), alarm(Some(named()))]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_told_in_percent() {
        assert_eq!([0.0, 0.987, 1.0, f64::NAN].map(percent), [0, 99, 100, 0]);
    }
}

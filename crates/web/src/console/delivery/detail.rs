use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use delivery::DeadReason;
use domain::{DeliveryId, Timestamp};
use serde_json::Value;
use store::{Attempt, DeliveryRow, Standing};

use super::Badge;
use super::list::due;
use crate::App;
use crate::api::Named;
use crate::console::filters;
use crate::console::help::remedy;
use crate::console::text::{Shown, WHOLE, visible};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::Id;

/// Most events that a page names; a delivery carries at most fifty records.
const EVENTS: usize = 50;

#[derive(Debug, Template)]
#[template(path = "delivery/detail.html")]
pub(in crate::console) struct DeliveryPage {
    frame: Frame,
    id: String,
    badge: Badge,
    subject: Shown,
    critical: bool,
    company: Named,
    integration: Named,
    rule: Named,
    created: Timestamp,
    due: Option<Timestamp>,
    sealed: bool,
    replay_of: Option<String>,
    events: Vec<String>,
    /// Why it is dead, and whose fault that is.
    dead: Option<(String, &'static str)>,
    is_parked: bool,
    /// The newest first.
    attempts: Vec<AttemptRow>,
}

#[derive(Debug)]
pub(in crate::console) struct AttemptRow {
    number: u32,
    started: Timestamp,
    millis: String,
    outcome: String,
    class: &'static str,
    cause: Option<String>,
    detail: Option<Shown>,
    remedy: Option<&'static str>,
    status: Option<u16>,
    address: Option<String>,
    timings: String,
    request: Vec<(String, Shown)>,
    response: Vec<(String, Shown)>,
    body: Shown,
}

pub(crate) async fn show(app: State<App>, visitor: Visitor, Id(id): Id<DeliveryId>) -> Page {
    let caller = &visitor.caller;
    let row = app
        .store()
        .delivery(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery"))?;
    let attempts = app.store().attempts(caller.scope(), id).await?;
    let frame = Frame::new(&visitor, Here::Deliveries, "Delivery", None);
    page(&DeliveryPage::new(
        frame,
        row,
        attempts,
        &caller.configuration,
    ))
}

impl DeliveryPage {
    fn new(
        frame: Frame,
        row: DeliveryRow,
        attempts: Vec<Attempt>,
        configuration: &domain::configuration::Configuration,
    ) -> Self {
        Self {
            frame,
            id: row.id.to_string(),
            badge: row.standing.into(),
            subject: Shown::line(&row.subject, WHOLE),
            critical: row.critical,
            company: Named::company(row.company, configuration),
            integration: Named::integration(row.integration, configuration),
            rule: Named::rule(row.rule, configuration),
            created: row.created_at,
            due: due(&row),
            sealed: row.sealed,
            replay_of: row.replay_of.map(|id| id.to_string()),
            events: row
                .events
                .iter()
                .take(EVENTS)
                .map(ToString::to_string)
                .collect(),
            dead: row.reason.as_deref().map(dead),
            is_parked: row.standing == Standing::Parked,
            attempts: attempts.into_iter().rev().map(AttemptRow::new).collect(),
        }
    }
}

fn dead(reason: &str) -> (String, &'static str) {
    let fault = reason.parse::<DeadReason>().map(|reason| reason.fault());
    let fault = fault.map_or("", |fault| fault.as_str());
    (visible(reason).replace('_', " "), fault)
}

impl AttemptRow {
    fn new(attempt: Attempt) -> Self {
        let class = match attempt.outcome.as_str() {
            "delivered" => "good",
            "held" => "held",
            _ => "bad",
        };
        let cause = attempt.cause;
        let headers = |lines: Vec<(String, String)>| {
            lines
                .into_iter()
                .map(|(name, value)| (visible(&name), Shown::line(&value, WHOLE)))
                .collect()
        };
        Self {
            number: attempt.number,
            started: attempt.started_at,
            millis: format!("{:.1}", attempt.duration_micros as f64 / 1_000.0),
            class,
            remedy: cause
                .as_deref()
                .and_then(|cause| remedy(cause, attempt.status_code)),
            detail: attempt.detail.map(|text| Shown::line(&text, WHOLE)),
            cause: cause.as_deref().map(visible),
            outcome: attempt.outcome,
            status: attempt.status_code,
            address: attempt.address,
            timings: timings(&attempt.timings),
            request: headers(attempt.request_headers),
            response: headers(attempt.response_headers),
            body: Shown::marked(&attempt.response_body, Vec::new()),
        }
    }
}

/// `dns 1.2 ms, connect 3.4 ms, …` of the figures that an attempt has.
fn timings(timings: &Value) -> String {
    let mut text = String::new();
    for (name, value) in timings.as_object().into_iter().flatten() {
        if let Some(millis) = value.as_f64() {
            let comma = if text.is_empty() { "" } else { ", " };
            let name = name.trim_end_matches("_millis").replace('_', " ");
            let _ = write!(text, "{comma}{name} {millis:.1} ms");
        }
    }
    text
}

impl DeliveryPage {
    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        Standing::ALL.map(Self::sample).into()
    }

    #[cfg(test)]
    fn sample(standing: Standing) -> Self {
        use crate::console::text::ROW;
        use delivery::Cause;
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let named = || Named {
            id: "1".to_owned(),
            name: Some(hostile.to_owned()),
        };
        let shown = || Shown::line(hostile, ROW);
        let lines = || vec![(visible(hostile), shown())];
        let is_dead = standing == Standing::Dead;
        Self {
            frame: Frame::sample(Here::Deliveries),
            id: "1".to_owned(),
            badge: standing.into(),
            subject: shown(),
            critical: true,
            company: named(),
            integration: named(),
            rule: named(),
            created: Timestamp::from_micros(1_764_122_400_000_000),
            due: (standing == Standing::Pending).then_some(Timestamp::from_micros(1)),
            sealed: !is_dead,
            replay_of: is_dead.then(|| "2".to_owned()),
            events: vec!["3".to_owned()],
            dead: is_dead.then(|| dead("held_too_long")),
            is_parked: standing == Standing::Parked,
            attempts: vec![AttemptRow {
                number: 1,
                started: Timestamp::from_micros(1),
                millis: "1.5".to_owned(),
                outcome: "failed".to_owned(),
                class: "bad",
                cause: Some(Cause::Dns.class().to_owned()),
                detail: Some(shown()),
                remedy: Some(Cause::Dns.remedy()),
                status: Some(500),
                address: Some("192.0.2.1:443".to_owned()),
                timings: "dns 1.0 ms".to_owned(),
                request: lines(),
                response: lines(),
                body: shown(),
            }],
        }
    }
}

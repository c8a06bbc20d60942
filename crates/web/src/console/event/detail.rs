use alertwire_catalogue::{Catalogue, Limits};
use askama::Template;
use axum::extract::State;
use domain::configuration::Configuration;
use domain::event::{Event, Routing};
use domain::{EventId, Timestamp};

use super::list::{Read, words};
use crate::App;
use crate::api::Named;
use crate::api::event::trace::{TraceView, trace_of};
use crate::blocking::blocking;
use crate::console::delivery::Badge;
use crate::console::filters;
use crate::console::text::{Mark, Shown, WHOLE, visible};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::Id;

/// Most records whose fields a page shows; the API has all.
const RECORDS: usize = 100;

#[derive(Debug, Template)]
#[template(path = "event/detail.html")]
pub(in crate::console) struct EventPage {
    frame: Frame,
    id: String,
    code: Option<String>,
    category: Option<String>,
    severity: &'static str,
    subject: Shown,
    body: Shown,
    /// The marks of the body are what its fields are read from today.
    is_marked: bool,
    reading: Read,
    read_failed: bool,
    repairs: Vec<String>,
    suggested: Option<String>,
    records: Vec<Vec<Field>>,
    more_records: usize,
    remainder: Option<Shown>,
    company: Option<Named>,
    source: Option<Named>,
    received: Timestamp,
    occurred: Option<Timestamp>,
    journal: String,
    fingerprint: String,
    count: u32,
    unrouted: Option<(&'static str, &'static str)>,
    moved: bool,
    hops: Vec<HopRow>,
    deliveries: Vec<Carried>,
}

#[derive(Debug)]
pub(in crate::console) struct Field {
    name: String,
    value: Shown,
    is_ambiguous: bool,
}

#[derive(Debug)]
pub(in crate::console) struct HopRow {
    hop: String,
    /// The one that it is about.
    integration: Option<Named>,
    ok: bool,
    detail: Shown,
}

/// A delivery that carries the event.
#[derive(Debug)]
pub(in crate::console) struct Carried {
    path: String,
    integration: Named,
    badge: Badge,
    cause: Option<String>,
    attempts: u32,
}

pub(crate) async fn show(app: State<App>, visitor: Visitor, Id(id): Id<EventId>) -> Page {
    let caller = &visitor.caller;
    let event = app
        .store()
        .event(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("event"))?;
    let trace = trace_of(&app, caller, &event).await?;
    let frame = Frame::new(&visitor, Here::Events, "Event", None);
    let configuration = caller.configuration.clone();
    // A body of a megabyte takes its time to read again.
    let view = blocking(move || EventPage::new(frame, event, trace, &configuration)).await?;
    page(&view)
}

impl EventPage {
    fn new(frame: Frame, event: Event, trace: TraceView, configuration: &Configuration) -> Self {
        let marks = marks(&event, configuration.catalogue());
        let reading = Read::new(&event);
        let records = records(&event);
        let more_records = event.reading.records.len().saturating_sub(RECORDS);
        let remainder = Some(&event.reading.remainder).filter(|text| !text.is_empty());
        Self {
            frame,
            id: event.id.to_string(),
            severity: event.severity.as_str(),
            subject: Shown::line(&event.subject, WHOLE),
            is_marked: !marks.is_empty(),
            body: Shown::marked(&event.body, marks),
            reading,
            read_failed: event.reading.read_failed,
            repairs: event
                .reading
                .repairs
                .iter()
                .map(|repair| format!("{} at byte {}", visible(&repair.rule), repair.offset))
                .collect(),
            suggested: event.reading.suggested.as_deref().map(visible),
            records,
            more_records,
            remainder: remainder.map(|text| Shown::line(text, WHOLE)),
            company: event.company.map(|id| Named::company(id, configuration)),
            source: event.source.map(|id| Named::source(id, configuration)),
            received: event.received_at,
            occurred: event.occurred_at,
            journal: event.message.to_string(),
            fingerprint: event.fingerprint.to_string(),
            count: event.count,
            unrouted: match event.routing {
                Routing::Routed => None,
                Routing::Unrouted(reason) => Some((words(reason), reason.explanation())),
            },
            moved: trace.configuration_moved,
            hops: trace
                .hops
                .into_iter()
                .map(|hop| HopRow {
                    hop: hop.hop.replace('_', " "),
                    integration: hop
                        .integration
                        .map(|id| Named::integration(id, configuration)),
                    ok: hop.ok,
                    detail: Shown::line(&hop.detail, WHOLE),
                })
                .collect(),
            deliveries: trace
                .deliveries
                .into_iter()
                .map(|carried| Carried {
                    path: format!("/deliveries/{}", carried.id),
                    integration: carried.integration,
                    badge: carried.standing.into(),
                    cause: carried.cause.as_deref().map(visible),
                    attempts: carried.attempts,
                })
                .collect(),
            code: event.kind.as_deref().map(visible),
            category: event.category.as_deref().map(visible),
        }
    }
}

/// Where the fields stand: spans are not stored, the body says them again; of another reading than the stored one they
/// would mislead.
fn marks(event: &Event, catalogue: &Catalogue) -> Vec<Mark> {
    let read = catalogue.read_alert(&event.subject, &event.body, &Limits::default());
    if read.records != event.reading.records {
        return Vec::new();
    }
    let mark = |span: &alertwire_catalogue::Span| Mark {
        field: visible(&span.field),
        start: span.start,
        end: span.end,
    };
    read.spans.iter().map(mark).collect()
}

fn records(event: &Event) -> Vec<Vec<Field>> {
    let fields = |(number, record): (usize, &alertwire_catalogue::Record)| {
        let field = |(name, value): (&str, &alertwire_catalogue::Value)| Field {
            is_ambiguous: event.reading.certain(number, name).is_none(),
            name: visible(name),
            value: Shown::line(&value.to_string(), WHOLE),
        };
        record.iter().map(field).collect()
    };
    let records = event.reading.records.iter().enumerate();
    records.take(RECORDS).map(fields).collect()
}

impl EventPage {
    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        vec![Self::sample(true), Self::sample(false)]
    }

    #[cfg(test)]
    fn sample(filled: bool) -> Self {
        use crate::console::text::ROW;
        use store::Standing;
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let named = || Named {
            id: "1".to_owned(),
            name: Some(hostile.to_owned()),
        };
        let shown = || Shown::line(hostile, ROW);
        let mark = Mark {
            field: visible(hostile),
            start: 1,
            end: 9,
        };
        Self {
            frame: Frame::sample(Here::Events),
            id: "1".to_owned(),
            code: filled.then(|| visible(hostile)),
            category: filled.then(|| visible(hostile)),
            severity: "high",
            subject: shown(),
            body: Shown::marked(hostile, vec![mark]),
            is_marked: filled,
            reading: Read {
                class: "good",
                glyph: "✓",
                word: "full".to_owned(),
            },
            read_failed: !filled,
            repairs: vec![visible(hostile)],
            suggested: Some(visible(hostile)),
            records: vec![vec![Field {
                name: visible(hostile),
                value: shown(),
                is_ambiguous: true,
            }]],
            more_records: usize::from(filled),
            remainder: filled.then(shown),
            company: filled.then(named),
            source: filled.then(named),
            received: Timestamp::from_micros(1_764_122_400_000_000),
            occurred: filled.then_some(Timestamp::from_micros(1)),
            journal: "1".to_owned(),
            fingerprint: "f0".to_owned(),
            count: 2,
            unrouted: (!filled).then_some(("no rule", "check the rule")),
            moved: filled,
            hops: vec![HopRow {
                hop: "rule".to_owned(),
                integration: Some(named()),
                ok: filled,
                detail: shown(),
            }],
            deliveries: if filled {
                vec![Carried {
                    path: "/deliveries/1".to_owned(),
                    integration: named(),
                    badge: Standing::Dead.into(),
                    cause: Some(visible(hostile)),
                    attempts: 3,
                }]
            } else {
                Vec::new()
            },
        }
    }
}

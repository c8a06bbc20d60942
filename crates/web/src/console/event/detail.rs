use alertwire_catalogue::{AlertReading, Limits};
use askama::Template;
use axum::extract::State;
use domain::configuration::Configuration;
use domain::event::{Event, Routing};
use domain::filter::{BYTES, quoted};
use domain::{EventId, Timestamp};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::formats::Formatted;
use super::list::{Read, words};
use super::message::{self, MessageView};
use super::readings::{ReadingRow, readings};
use crate::App;
use crate::api::Named;
use crate::api::event::trace::{TraceView, trace_of};
use crate::api::integration::seen;
use crate::blocking::blocking;
use crate::console::delivery::Badge;
use crate::console::filters;
use crate::console::text::{Mark, Shown, WHOLE, visible};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Caller, Id, Query};

/// Most records whose fields a page shows; the API has all.
const RECORDS: usize = 100;
/// Most integrations that a replay is proposed to.
const TARGETS: usize = 200;
/// Most fields that a silence of events like this one is proposed by.
const LIKE: usize = 3;

/// What of the event is looked at in which way.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Looked {
    /// `hex`: the bytes of the message as figures.
    raw: Option<String>,
    /// A format of others.
    #[serde(rename = "as")]
    format: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "event/detail.html")]
pub(in crate::console) struct EventPage {
    frame: Frame,
    id: String,
    code: Option<String>,
    category: Option<String>,
    severity: &'static str,
    subject: Shown,
    said: Said,
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
    message: Option<MessageView>,
    formatted: Formatted,
    /// More than one, or none.
    readings: Vec<ReadingRow>,
    acts: Acts,
}

/// The body, with what its fields were read from.
#[derive(Debug)]
pub(super) struct Said {
    body: Shown,
    /// The marks of the body are what its fields are read from today.
    is_marked: bool,
    /// The template that read it.
    template: Option<Shown>,
}

/// What can be done with the event.
#[derive(Debug, Default)]
pub(super) struct Acts {
    reread: Option<String>,
    learn: Option<String>,
    silence: Option<String>,
    /// Where it is let go by today's rules.
    release: Option<String>,
    /// Integrations that what was sent can be sent to as well, by id.
    targets: Vec<(String, String)>,
}

#[derive(Debug)]
pub(in crate::console) struct Field {
    name: String,
    value: Shown,
    /// What another reading says of it, which may be nothing at all.
    otherwise: Option<Option<Shown>>,
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

pub(crate) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<EventId>,
    Query(looked): Query<Looked>,
) -> Page {
    let caller = &visitor.caller;
    let event = app
        .store()
        .event(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("event"))?;
    let trace = trace_of(&app, caller, &event).await?;
    let found = message::find(&app, caller, event.message).await?;
    let word = looked.format.unwrap_or_default();
    let formatted = Formatted::new(&app, caller, &event, found.as_ref(), &word).await?;
    let mut readings = readings(&app, caller, id).await?;
    if readings.len() < 2 {
        readings.clear();
    }
    let in_hex = looked.raw.as_deref() == Some("hex");
    let frame = Frame::new(&visitor, Here::Events, "Event", None);
    let acts = Acts::of(&event, !trace.deliveries.is_empty(), &frame, caller);
    let configuration = caller.configuration.clone();
    // A body of a megabyte takes its time to read again.
    let view = move || {
        let message = found.map(|found| MessageView::new(found, in_hex));
        let around = (message, formatted, readings, acts);
        EventPage::new(frame, event, trace, around, &configuration)
    };
    page(&blocking(view).await?)
}

impl EventPage {
    fn new(
        frame: Frame,
        event: Event,
        trace: TraceView,
        (message, formatted, readings, acts): (
            Option<MessageView>,
            Formatted,
            Vec<ReadingRow>,
            Acts,
        ),
        configuration: &Configuration,
    ) -> Self {
        let remainder = Some(&event.reading.remainder).filter(|text| !text.is_empty());
        let repairs = event.reading.repairs.iter();
        Self {
            frame,
            said: Said::of(&event, configuration),
            records: records(&event),
            more_records: event.reading.records.len().saturating_sub(RECORDS),
            id: event.id.to_string(),
            severity: event.severity.as_str(),
            subject: Shown::line(&event.subject, WHOLE),
            reading: Read::new(&event),
            read_failed: event.reading.read_failed,
            repairs: repairs
                .map(|repair| format!("{} at byte {}", visible(&repair.rule), repair.offset))
                .collect(),
            suggested: event.reading.suggested.as_deref().map(visible),
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
            hops: hops(trace.hops, configuration),
            deliveries: trace.deliveries.into_iter().map(Carried::from).collect(),
            code: event.kind.as_deref().map(visible),
            category: event.category.as_deref().map(visible),
            message,
            formatted,
            readings,
            acts,
        }
    }
}

impl Said {
    /// Spans are not stored, the body says them again; of another reading than the stored one they would mislead.
    fn of(event: &Event, configuration: &Configuration) -> Self {
        let catalogue = configuration.catalogue();
        let read = catalogue.read_alert(&event.subject, &event.body, &Limits::default());
        let is_same = read.records == event.reading.records;
        let marks = if is_same { marks(&read) } else { Vec::new() };
        let template = read.template.filter(|_| is_same);
        Self {
            is_marked: !marks.is_empty(),
            body: Shown::marked(&event.body, marks),
            template: template.map(|text| Shown::marked(text, Vec::new())),
        }
    }
}

fn marks(read: &AlertReading<'_>) -> Vec<Mark> {
    let mark = |span: &alertwire_catalogue::Span| Mark {
        field: visible(&span.field),
        start: span.start,
        end: span.end,
    };
    read.spans.iter().map(mark).collect()
}

fn records(event: &Event) -> Vec<Vec<Field>> {
    let otherwise = |number: usize, name: &str| {
        let mut ambiguous = event.reading.ambiguous.iter();
        let found = ambiguous.find(|one| one.record == number && one.field == name)?;
        let other = found.readings[1].as_ref();
        Some(other.map(|value| Shown::line(&value.to_string(), WHOLE)))
    };
    let fields = |(number, record): (usize, &alertwire_catalogue::Record)| {
        let field = |(name, value): (&str, &alertwire_catalogue::Value)| Field {
            otherwise: otherwise(number, name),
            name: visible(name),
            value: Shown::line(&value.to_string(), WHOLE),
        };
        record.iter().map(field).collect()
    };
    let records = event.reading.records.iter().enumerate();
    records.take(RECORDS).map(fields).collect()
}

fn hops(hops: Vec<domain::matching::Hop>, configuration: &Configuration) -> Vec<HopRow> {
    let row = |hop: domain::matching::Hop| HopRow {
        hop: hop.hop.replace('_', " "),
        integration: hop
            .integration
            .map(|id| Named::integration(id, configuration)),
        ok: hop.ok,
        detail: Shown::line(&hop.detail, WHOLE),
    };
    hops.into_iter().map(row).collect()
}

impl From<crate::api::event::trace::TracedDelivery> for Carried {
    fn from(carried: crate::api::event::trace::TracedDelivery) -> Self {
        Self {
            path: format!("/deliveries/{}", carried.id),
            integration: carried.integration,
            badge: Badge::of(carried.standing, carried.reason.as_deref()),
            cause: carried.cause.as_deref().map(visible),
            attempts: carried.attempts,
        }
    }
}

impl Acts {
    fn of(event: &Event, is_carried: bool, frame: &Frame, caller: &Caller) -> Self {
        let id = event.id;
        let came_as_text = event.source.is_some();
        let may_operate = frame.may_operate;
        Self {
            reread: (may_operate && came_as_text)
                .then(|| format!("/rereads/new?id={id}&preview=1")),
            learn: (frame.may_configure && came_as_text)
                .then(|| format!("/catalogue/learn?event={id}")),
            silence: may_operate.then(|| silence(event, &caller.configuration)),
            release: (may_operate && event.routing != Routing::Routed)
                .then(|| format!("/replays/new?unrouted=1&journal={}", event.message)),
            targets: match may_operate && is_carried {
                true => targets(caller),
                false => Vec::new(),
            },
        }
    }
}

fn targets(caller: &Caller) -> Vec<(String, String)> {
    let integrations = caller.configuration.integrations();
    let mut targets: Vec<_> = integrations
        .filter(|integration| seen(integration, caller))
        .map(|integration| (integration.id.to_string(), visible(&integration.name)))
        .collect();
    targets.sort_unstable_by_key(|(_, name)| name.to_lowercase());
    targets.truncate(TARGETS);
    targets
}

/// The form of a silence for events of this kind that speak of the same thing.
fn silence(event: &Event, configuration: &Configuration) -> String {
    let kind = event.kind.as_deref();
    let mut filter = match kind {
        Some(code) => format!("event={code}"),
        None => format!("subject={}", quoted(&event.subject)),
    };
    let kind = kind.and_then(|code| configuration.catalogue().kind(code));
    let keys = kind.map_or(&[][..], |kind| kind.key.as_slice());
    for name in keys.iter().take(LIKE) {
        if let Some(value) = event.reading.certain(0, name) {
            let term = format!(" field.{name}={}", quoted(&value.to_text()));
            if filter.len() + term.len() <= BYTES {
                filter.push_str(&term);
            }
        }
    }
    let mut query = Serializer::new(String::new());
    query.append_pair("filter", &filter);
    let company = event.company.and_then(|id| configuration.company(id));
    query.extend_pairs(company.map(|company| ("company", &company.name)));
    format!("/silences/new?{}", query.finish())
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
        let path = |path: &str| filled.then(|| path.to_owned());
        let carried = |standing: Standing| Carried {
            path: "/deliveries/1".to_owned(),
            integration: named(),
            badge: standing.into(),
            cause: Some(visible(hostile)),
            attempts: 3,
        };
        Self {
            frame: Frame::sample(Here::Events),
            id: "1".to_owned(),
            code: filled.then(|| visible(hostile)),
            category: filled.then(|| visible(hostile)),
            severity: "high",
            subject: shown(),
            said: Said {
                body: Shown::marked(hostile, vec![mark]),
                is_marked: filled,
                template: filled.then(shown),
            },
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
                otherwise: Some(filled.then(shown)),
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
            deliveries: match filled {
                true => Standing::ALL.map(carried).into(),
                false => Vec::new(),
            },
            message: Some(MessageView::sample(filled)),
            formatted: Formatted::sample(),
            readings: match filled {
                true => vec![ReadingRow::sample(2), ReadingRow::sample(1)],
                false => Vec::new(),
            },
            acts: Acts {
                reread: path("/rereads/new?id=1"),
                learn: path("/catalogue/learn?event=1"),
                silence: path("/silences/new?filter=%22"),
                release: (!filled).then(|| "/replays/new".to_owned()),
                targets: match filled {
                    true => vec![("1".to_owned(), visible(hostile))],
                    false => Vec::new(),
                },
            },
        }
    }
}

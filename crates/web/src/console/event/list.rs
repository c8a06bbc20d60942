use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::configuration::Configuration;
use domain::event::{Event, Reason, Routing};

use crate::App;
use crate::api::Named;
use crate::api::event::list::EventsQuery;
use crate::api::event::search_page;
use crate::console::filters;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::Query;

/// Rows of a page, unless the URL says otherwise.
const ROWS: &str = "50";

#[derive(Debug, Template)]
#[template(path = "event/list.html")]
pub(in crate::console) struct EventsPage {
    frame: Frame,
    asked: EventsQuery,
    state: query::State,
    codes: Vec<String>,
    rows: Vec<Row>,
    next: Option<String>,
    /// How far back the page has looked, when it ended before it was full.
    scanned: Option<Timestamp>,
    /// It is not the first page.
    is_later: bool,
    /// What has come since is told: of the first page that nothing narrows.
    is_live: bool,
}

/// An event in a list.
#[derive(Debug)]
pub(in crate::console) struct Row {
    path: String,
    received: Timestamp,
    severity: &'static str,
    code: Option<String>,
    subject: Shown,
    company: Option<Named>,
    source: Option<Named>,
    reading: Read,
    routing: Option<&'static str>,
    count: u32,
}

/// How an event was read, in a word and a colour.
#[derive(Debug)]
pub(in crate::console) struct Read {
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) word: String,
}

pub(crate) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(mut asked): Query<EventsQuery>,
) -> Page {
    if asked.limit.as_deref().is_none_or(str::is_empty) {
        asked.limit = Some(ROWS.to_owned());
    }
    let caller = &visitor.caller;
    let is_later = asked.cursor.as_deref().is_some_and(|text| !text.is_empty());
    let state = state(&asked);
    let (query, at) = asked.clone().parse(caller)?;
    let found = search_page(&app, caller.scope(), &query, &at).await?;
    let configuration = &caller.configuration;
    let mut codes: Vec<_> = configuration
        .catalogue()
        .kinds()
        .iter()
        .map(|kind| kind.code.clone())
        .collect();
    codes.sort_unstable();
    page(&EventsPage {
        frame: Frame::new(&visitor, Here::Events, "Events", asked.company.as_deref()),
        codes,
        next: found.next.map(|cursor| state.next(&cursor)),
        scanned: found.scanned_until,
        is_live: !is_later && !state.is_narrowed() && query.company.is_none(),
        is_later,
        state,
        asked,
        rows: found
            .items
            .into_iter()
            .map(|event| Row::new(event, configuration))
            .collect(),
    })
}

/// All that the URL holds but the page.
fn state(asked: &EventsQuery) -> query::State {
    let limit = asked.limit.as_deref().filter(|limit| *limit != ROWS);
    query::State::new(
        "/events",
        &[
            ("text", asked.text.as_deref()),
            ("event", asked.event.as_deref()),
            ("category", asked.category.as_deref()),
            ("severity", asked.severity.as_deref()),
            ("routing", asked.routing.as_deref()),
            ("match", asked.matched.as_deref()),
            ("decode", asked.decode.as_deref()),
            ("source", asked.source.as_deref()),
            ("since", asked.since.as_deref()),
            ("until", asked.until.as_deref()),
            ("journal", asked.journal.as_deref()),
            ("fingerprint", asked.fingerprint.as_deref()),
            ("silence", asked.silence.as_deref()),
            ("filter", asked.filter.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", limit),
        ],
    )
}

impl Row {
    fn new(event: Event, configuration: &Configuration) -> Self {
        Self {
            path: format!("/events/{}", event.id),
            received: event.received_at,
            severity: event.severity.as_str(),
            subject: Shown::line(&event.subject, ROW),
            company: event.company.map(|id| Named::company(id, configuration)),
            source: event.source.map(|id| Named::source(id, configuration)),
            reading: Read::new(&event),
            routing: match event.routing {
                Routing::Routed => None,
                Routing::Unrouted(reason) => Some(words(reason)),
            },
            code: event.kind.as_deref().map(visible),
            count: event.count,
        }
    }
}

/// A reason in a few words.
pub(in crate::console) fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Loop => "a loop",
        Reason::UnassignedCompany => "unassigned",
        Reason::NoMapping => "no mapping",
        Reason::MappingOff => "mapping off",
        Reason::NoRule => "no rule",
        Reason::Silenced => "silenced",
        Reason::Reread => "read again",
    }
}

impl Read {
    pub(super) fn new(event: &Event) -> Self {
        use domain::event::Match;
        use domain::message::Decode;
        let (class, glyph, word) = match (event.reading.decode, event.reading.matched) {
            (Decode::Failed, _) => ("bad", "✕", "quarantined"),
            (_, Match::Full) => ("good", "✓", "full"),
            (_, Match::Partial) => ("wait", "◐", "partial"),
            (_, Match::None) => ("held", "○", "not recognised"),
        };
        let repaired = event.reading.decode == Decode::Repaired;
        Self {
            class,
            glyph,
            word: if repaired {
                format!("{word}, repaired")
            } else {
                word.to_owned()
            },
        }
    }
}

impl EventsPage {
    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        let empty = |asked: EventsQuery, is_later: bool| Self {
            frame: Frame::sample(Here::Events),
            state: state(&asked),
            asked,
            codes: vec!["system.asset_added".to_owned()],
            rows: Vec::new(),
            next: None,
            scanned: None,
            is_later,
            is_live: !is_later,
        };
        let narrowed = EventsQuery {
            text: Some("\"><script>alert(1)</script>".to_owned()),
            severity: Some("high".to_owned()),
            ..EventsQuery::default()
        };
        let mut filled = empty(EventsQuery::default(), false);
        filled.rows = vec![Row::sample(), Row::sample()];
        filled.next = Some("/events?cursor=1".to_owned());
        let mut scanned = empty(narrowed.clone(), false);
        scanned.next = Some("/events?cursor=1".to_owned());
        scanned.scanned = Some(Timestamp::from_micros(1_764_122_400_000_000));
        vec![
            filled,
            scanned,
            empty(EventsQuery::default(), false),
            empty(narrowed, false),
            empty(EventsQuery::default(), true),
        ]
    }
}

impl Row {
    #[cfg(test)]
    fn sample() -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let named = || {
            Some(Named {
                id: "1".to_owned(),
                name: Some(hostile.to_owned()),
            })
        };
        Self {
            path: "/events/1".to_owned(),
            received: Timestamp::from_micros(1_764_122_400_000_000),
            severity: "critical",
            code: Some(visible(hostile)),
            subject: Shown::line(hostile, ROW),
            company: named(),
            source: named(),
            reading: Read {
                class: "wait",
                glyph: "◐",
                word: "partial, repaired".to_owned(),
            },
            routing: Some("no rule"),
            count: 3,
        }
    }
}

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::configuration::Configuration;
use domain::event::{Event, Reading, Reason, Routing};
use http::Uri;
use serde::Serialize;
use store::Standing;

use super::asked::{self, Choices, DECODES, MATCHES, ROUTINGS};
use super::{export, live};
use crate::App;
use crate::api::Named;
use crate::api::event::list::EventsQuery;
use crate::api::event::search_page;
use crate::console::delivery::Badge;
use crate::console::filters;
use crate::console::query::{Chip, Tab};
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::ListQuery;

/// Rows of a page, unless the URL says otherwise.
const ROWS: &str = "50";
/// Rows that a live page keeps; older ones leave it at the bottom.
const KEPT: usize = 200;
/// Parameters of the page alone.
const OWN: [&str; 2] = ["live", "told"];

#[derive(Debug, Template)]
#[template(path = "event/list.html")]
pub(in crate::console) struct EventsPage {
    frame: Frame,
    asked: EventsQuery,
    state: query::State,
    choices: Choices,
    tabs: Vec<Tab>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    next: Option<String>,
    /// How far back the page has looked, when it ended before it was full.
    scanned: Option<Timestamp>,
    /// It is not the first page.
    is_later: bool,
    /// Where what comes in is told; none where it cannot be, and on later pages.
    stream: Option<String>,
    /// All that comes in is told there, so that a stream may go on from the newest row. To go on from an old one through all that
    /// fits no filter would be long.
    tells_all: bool,
    /// What comes in is shown as it comes.
    is_live: bool,
    /// The same list with that switched on or off.
    switched: String,
    /// Each format with the file's path.
    exports: Vec<(&'static str, String)>,
    most_exported: String,
}

/// An event in a list.
#[derive(Debug, Serialize)]
pub(in crate::console) struct Row {
    id: String,
    path: String,
    received: Timestamp,
    severity: &'static str,
    code: Option<String>,
    subject: Shown,
    company: Option<String>,
    source: Option<String>,
    reading: Read,
    went: Went,
    count: u32,
}

/// How an event was read, in a word and a colour.
#[derive(Debug, Serialize)]
pub(in crate::console) struct Read {
    pub(in crate::console) class: &'static str,
    pub(in crate::console) glyph: &'static str,
    pub(in crate::console) word: String,
}

/// Where an event went: how its deliveries stand, the worst first told, or why there are none.
#[derive(Debug, Serialize)]
pub(in crate::console) struct Went {
    class: &'static str,
    glyph: &'static str,
    word: &'static str,
    /// How many deliveries carry it.
    count: usize,
    /// Those deliveries.
    path: Option<String>,
}

pub(crate) async fn show(app: State<App>, visitor: Visitor, uri: Uri) -> Page {
    let asked = ListQuery::<EventsQuery>::read(&uri, &OWN)?;
    let wants_live = asked.own("live") == "1";
    let mut asked = asked.list;
    if asked.limit.as_deref().is_none_or(str::is_empty) {
        asked.limit = Some(ROWS.to_owned());
    }
    let caller = &visitor.caller;
    let is_later = asked.cursor.as_deref().is_some_and(|text| !text.is_empty());
    let (query, at) = asked.clone().parse(caller)?;
    let found = search_page(&app, caller.scope(), &query, &at).await?;
    let ids: Vec<_> = found.items.iter().map(|event| event.id).collect();
    let standings = app.store().standings(caller.scope(), &ids).await?;
    let row = |event: Event| {
        let carried = standings.get(&event.id).map_or(&[][..], Vec::as_slice);
        Row::new(event, carried, &caller.configuration)
    };
    let frame = Frame::new(&visitor, Here::Events, "Events", asked.company.as_deref());
    let mut view = EventsPage::new(frame, asked, Choices::of(caller), is_later);
    let filter = live::filter(&query).filter(|_| !is_later);
    let can_follow = filter.is_some();
    view.tells_all = matches!(filter, Some(None));
    view.stream = can_follow.then(|| view.state.elsewhere("/events/live"));
    view.is_live = wants_live && can_follow;
    view.switched = match view.is_live {
        true => view.state.newest(),
        false => view.state.elsewhere_with("/events", "live", "1"),
    };
    view.next = found.next.map(|cursor| view.state.next(&cursor));
    view.scanned = found.scanned_until;
    view.rows = found.items.into_iter().map(row).collect();
    page(&view)
}

impl EventsPage {
    /// The page without its rows.
    fn new(frame: Frame, asked: EventsQuery, choices: Choices, is_later: bool) -> Self {
        let state = asked::state(&asked, ROWS);
        let file = |(format, name)| (name, state.elsewhere(&format!("/events/export/{format}")));
        Self {
            tabs: asked::tabs(&state, &frame),
            chips: asked::chips(&state, &choices),
            exports: export::FORMATS.map(file).into(),
            most_exported: export::most(),
            frame,
            asked,
            choices,
            rows: Vec::new(),
            next: None,
            scanned: None,
            is_later,
            stream: None,
            tells_all: false,
            is_live: false,
            switched: state.newest(),
            state,
        }
    }

    /// Fields that the form does not show stand in the URL nevertheless.
    fn hidden(&self) -> [(&'static str, &str); 3] {
        [
            ("journal", self.asked.journal.as_deref().unwrap_or_default()),
            (
                "fingerprint",
                self.asked.fingerprint.as_deref().unwrap_or_default(),
            ),
            ("silence", self.asked.silence.as_deref().unwrap_or_default()),
        ]
    }

    /// Where the events that went nowhere are let go by today's rules: those that the list means.
    fn replays(&self) -> String {
        self.state.elsewhere_with("/replays/new", "unrouted", "1")
    }

    /// The event that a stream goes on from.
    fn last(&self) -> Option<&str> {
        let newest = self.rows.first().filter(|_| self.tells_all);
        newest.map(|row| row.id.as_str())
    }

    fn has_more(&self) -> bool {
        asked::has_more(&self.state)
    }
}

impl Row {
    pub(super) fn new(event: Event, carried: &[Standing], configuration: &Configuration) -> Self {
        let company = event.company.map(|id| Named::company(id, configuration));
        let source = event.source.map(|id| Named::source(id, configuration));
        Self {
            path: format!("/events/{}", event.id),
            received: event.received_at,
            severity: event.severity.as_str(),
            subject: Shown::line(&event.subject, ROW),
            company: company.map(|company| company.shown()),
            source: source.map(|source| source.shown()),
            reading: Read::new(&event),
            went: Went::new(&event, carried),
            code: event.kind.as_deref().map(visible),
            count: event.count,
            id: event.id.to_string(),
        }
    }
}

/// A time takes two lines, so that the table fits beside the navigation.
impl Row {
    fn day(&self) -> String {
        self.received.to_string().chars().take(10).collect()
    }

    fn clock(&self) -> String {
        self.received.to_string().chars().skip(11).take(8).collect()
    }
}

impl Went {
    fn new(event: &Event, carried: &[Standing]) -> Self {
        const WORST_FIRST: [Standing; 4] = [
            Standing::Dead,
            Standing::Parked,
            Standing::Pending,
            Standing::Delivered,
        ];
        let worst = WORST_FIRST.into_iter().find(|one| carried.contains(one));
        let (class, glyph, word) = match (worst.map(Badge::from), event.routing) {
            (Some(badge), _) => (badge.class, badge.glyph, badge.word),
            (None, Routing::Routed) => ("good", "✓", "routed"),
            (None, Routing::Unrouted(reason)) => ("held", "○", words(reason)),
        };
        Self {
            class,
            glyph,
            word,
            count: carried.len(),
            path: worst.map(|_| format!("/deliveries?event={}", event.id)),
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
        Self::of(&event.reading)
    }

    pub(super) fn of(reading: &Reading) -> Self {
        Self::of_words(reading.decode.as_str(), reading.matched.as_str())
    }

    /// By the words that the API has for it.
    pub(in crate::console) fn of_words(decode: &str, matched: &str) -> Self {
        let (class, glyph, word) = match (decode, matched) {
            ("failed", _) => ("bad", "✕", "quarantined"),
            (_, "full") => ("good", "✓", "full"),
            (_, "partial") => ("wait", "◐", "partial"),
            (_, _) => ("held", "○", "not recognised"),
        };
        let repaired = decode == "repaired";
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
        let empty = |asked: EventsQuery, is_later: bool| {
            let choices = Choices {
                codes: vec!["system.asset_added".to_owned()],
                categories: vec!["\"><b>".to_owned()],
                sources: vec![("1".to_owned(), visible("<img src=x>\u{202e}"))],
            };
            Self::new(Frame::sample(Here::Events), asked, choices, is_later)
        };
        let narrowed = EventsQuery {
            text: Some("\"><script>alert(1)</script>".to_owned()),
            severity: Some("high".to_owned()),
            source: Some("1".to_owned()),
            ..EventsQuery::default()
        };
        let mut filled = empty(EventsQuery::default(), false);
        filled.rows = vec![Row::sample(&[]), Row::sample(&Standing::ALL)];
        filled.next = Some("/events?cursor=1".to_owned());
        filled.stream = Some("/events/live".to_owned());
        let mut live = empty(narrowed.clone(), false);
        live.rows = vec![Row::sample(&[Standing::Delivered])];
        live.stream = Some("/events/live?severity=high".to_owned());
        live.is_live = true;
        let mut waiting = empty(EventsQuery::default(), false);
        waiting.stream = Some("/events/live".to_owned());
        waiting.is_live = true;
        let mut scanned = empty(narrowed.clone(), false);
        scanned.next = Some("/events?cursor=1".to_owned());
        scanned.scanned = Some(Timestamp::from_micros(1_764_122_400_000_000));
        vec![
            filled,
            live,
            waiting,
            scanned,
            empty(EventsQuery::default(), false),
            empty(narrowed, false),
            empty(EventsQuery::default(), true),
        ]
    }
}

impl Row {
    #[cfg(test)]
    fn sample(carried: &[Standing]) -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let worst = carried.last().copied();
        Self {
            id: "1".to_owned(),
            path: "/events/1".to_owned(),
            received: Timestamp::from_micros(1_764_122_400_000_000),
            severity: "critical",
            code: Some(visible(hostile)),
            subject: Shown::line(hostile, ROW),
            company: Some(visible(hostile)),
            source: Some(visible(hostile)),
            reading: Read {
                class: "wait",
                glyph: "◐",
                word: "partial, repaired".to_owned(),
            },
            went: Went {
                class: "bad",
                glyph: "✕",
                word: worst.map_or("no rule", Standing::as_str),
                count: carried.len(),
                path: worst.map(|_| "/deliveries?event=1".to_owned()),
            },
            count: 3,
        }
    }
}

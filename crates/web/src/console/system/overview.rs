use std::time::Duration;

use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::access::Scope;
use domain::time::format_duration;
use store::{DeliveryQuery, Health, Standing as DeliveryStanding};

use super::bundle::CONTENTS;
use crate::App;
use crate::api::journal::verify::VerifyView;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, filters, page};
use crate::health::ready;
use crate::problem::Problem;
use crate::read::Admin;
use crate::verification::Standing;

/// Deliveries of one standing are counted as far as this.
const COUNTED: u32 = 10_000;
/// Most faults of the journal that the page shows.
const FAULTS: usize = 100;
/// Seconds after which a page that shows work asks again.
const REFRESH: u32 = 2;

#[derive(Debug, Template)]
#[template(path = "system/overview.html")]
pub(super) struct SystemPage {
    frame: Frame,
    version: &'static str,
    node: String,
    instance: String,
    database: &'static str,
    started: Timestamp,
    up: String,
    public_url: String,
    listen: String,
    /// What is free of the disk that has the state folder, and that this is little.
    room: Option<(String, bool)>,
    /// What keeps it from being ready.
    reasons: Vec<String>,
    queue: Vec<(&'static str, String, Option<&'static str>)>,
    journal: Journal,
    allow: Vec<String>,
    addresses: Vec<String>,
    limits: Vec<(&'static str, String)>,
    contents: &'static [&'static str],
}

/// The verification of the journal.
#[derive(Debug)]
struct Journal {
    refresh: Option<u32>,
    work: Option<Work>,
    /// When it ended, and what it found or why it was broken off.
    ended: Option<(Timestamp, Result<Found, String>)>,
}

#[derive(Debug)]
struct Work {
    since: Timestamp,
    what: &'static str,
    done: u64,
    /// Never less than what is done.
    total: u64,
}

#[derive(Debug)]
struct Found {
    view: Box<VerifyView>,
    faults: Vec<(String, String)>,
}

pub(super) async fn show(app: State<App>, visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&SystemPage::new(&app, &visitor).await?)
}

impl SystemPage {
    async fn new(app: &App, visitor: &Visitor) -> Result<Self, Problem> {
        let (ready, health) = ready::look(app).await;
        let settings = app.settings();
        let addresses = settings.egress_addresses.iter();
        Ok(Self {
            frame: Frame::new(visitor, Here::System, "System", None),
            version: env!("CARGO_PKG_VERSION"),
            node: app.store().node().to_string(),
            instance: app.store().instance().to_owned(),
            database: database(app),
            started: app.started_at(),
            up: crate::console::source::words(app.now().since(app.started_at())),
            public_url: settings.public_url.as_str().to_owned(),
            listen: settings.listen.to_string(),
            room: app
                .disk()
                .room()
                .await
                .map(|room| (room.words(), room.is_low())),
            reasons: reasons(app, &health, ready.outbox_moving),
            queue: queue(app, &health).await?,
            journal: Journal::new(app),
            allow: app
                .egress()
                .allow()
                .iter()
                .map(ToString::to_string)
                .collect(),
            addresses: addresses.map(ToString::to_string).collect(),
            limits: limits(app),
            contents: CONTENTS,
        })
    }
}

/// What the database is.
pub(super) fn database(app: &App) -> &'static str {
    if app.store().is_postgres() {
        "PostgreSQL"
    } else {
        "SQLite"
    }
}

fn reasons(app: &App, health: &Health, is_moving: bool) -> Vec<String> {
    let writable = health.writable.as_ref().err();
    let writable = writable.map(|reason| format!("The store takes no writes: {}", visible(reason)));
    let stale = (!is_moving).then(|| {
        let most = format_duration(app.settings().outbox_stale);
        format!("The oldest due delivery has waited longer than {most}.")
    });
    writable.into_iter().chain(stale).collect()
}

/// Figures of the queue: a word, the figure, and where to look.
async fn queue(
    app: &App,
    health: &Health,
) -> Result<Vec<(&'static str, String, Option<&'static str>)>, Problem> {
    let mut figures = vec![(
        "oldest that is due",
        match health.oldest_due {
            Some(due) => format_duration(Duration::from_secs(app.now().since(due).as_secs())),
            None => "none".to_owned(),
        },
        None,
    )];
    for (word, standing, path) in [
        (
            "pending",
            DeliveryStanding::Pending,
            "/deliveries?status=pending",
        ),
        (
            "parked",
            DeliveryStanding::Parked,
            "/deliveries?status=parked",
        ),
        ("dead", DeliveryStanding::Dead, "/deliveries?status=dead"),
    ] {
        let query = DeliveryQuery {
            standing: Some(standing),
            ..DeliveryQuery::default()
        };
        let count = app
            .store()
            .count_deliveries(&Scope::All, &query, COUNTED)
            .await?;
        let beyond = if count >= COUNTED { " or more" } else { "" };
        figures.push((word, format!("{count}{beyond}"), Some(path)));
    }
    Ok(figures)
}

/// The bounds that the server holds to, as its settings have them.
pub(super) fn limits(app: &App) -> Vec<(&'static str, String)> {
    let settings = app.settings();
    let bytes = |bytes: usize| match (bytes / 1_024, bytes / 1_048_576) {
        (kib, 0) => format!("{kib} KiB"),
        (_, mib) => format!("{mib} MiB"),
    };
    vec![
        ("Longest message of a source", bytes(settings.intake_bytes)),
        (
            "Longest call that raises events",
            bytes(settings.events_bytes),
        ),
        ("Longest other call", bytes(settings.form_bytes)),
        ("Headers within", format_duration(settings.header_timeout)),
        ("Body within", format_duration(settings.body_timeout)),
        ("Open connections", settings.connections.to_string()),
        (
            "Open connections of one address",
            settings.connections_per_address.to_string(),
        ),
        ("Live streams", settings.streams.to_string()),
        ("Exports at once", settings.exports.to_string()),
        ("Dry runs at once", settings.what_ifs.to_string()),
        (
            "Test alerts a minute, of one user or key",
            settings.test_sends_per_minute.to_string(),
        ),
        (
            "Not ready when a delivery is due for",
            format_duration(settings.outbox_stale),
        ),
    ]
}

impl Journal {
    fn new(app: &App) -> Self {
        match app.verification().standing() {
            Standing::AtWork {
                since,
                what,
                done,
                total,
            } => Self {
                refresh: Some(REFRESH),
                work: Some(Work {
                    since,
                    what,
                    done,
                    total: total.max(done).max(1),
                }),
                ended: None,
            },
            Standing::Ended { at, found } => Self {
                refresh: None,
                work: None,
                ended: Some((at, found.map(Found::new))),
            },
            Standing::Never => Self {
                refresh: None,
                work: None,
                ended: None,
            },
        }
    }
}

impl Found {
    fn new(view: Box<VerifyView>) -> Self {
        let faults = view.faults.iter().take(FAULTS);
        let faults = faults.map(|fault| (fault.kind.to_owned(), visible(&fault.detail)));
        Self {
            faults: faults.collect(),
            view,
        }
    }
}

#[cfg(test)]
impl SystemPage {
    pub(super) fn samples() -> Vec<Self> {
        let at = Timestamp::from_micros(1_764_122_400_000_000);
        let hostile = "<img src=x onerror=alert(1)>";
        let found = |whole: bool| Found {
            view: Box::new(VerifyView {
                whole,
                fault_count: u64::from(!whole) * 200,
                ..VerifyView::default()
            }),
            faults: vec![("altered".to_owned(), hostile.to_owned())],
        };
        let work = Work {
            since: at,
            what: "messages",
            done: 1,
            total: 5,
        };
        let ended = |found| Journal {
            refresh: None,
            work: None,
            ended: Some((at, found)),
        };
        let journals = [
            Journal {
                refresh: Some(REFRESH),
                work: Some(work),
                ended: None,
            },
            ended(Ok(found(true))),
            ended(Ok(found(false))),
            ended(Err(hostile.to_owned())),
        ];
        let page = |(number, journal): (usize, Journal)| Self {
            frame: Frame::sample(Here::System),
            version: "1.0.0",
            node: "1".to_owned(),
            instance: "1".to_owned(),
            database: "SQLite",
            started: at,
            up: "3 days".to_owned(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            listen: "127.0.0.1:8080".to_owned(),
            room: (number > 0).then(|| ("5 MiB free of 40.0 GiB".to_owned(), number > 1)),
            reasons: vec![hostile.to_owned(); number.min(1)],
            queue: vec![
                (
                    "pending",
                    "3".to_owned(),
                    Some("/deliveries?status=pending"),
                ),
                ("oldest that is due", "none".to_owned(), None),
            ],
            journal,
            allow: vec![hostile.to_owned(); number.min(1)],
            addresses: vec![hostile.to_owned(); number.min(1)],
            limits: vec![("Longest message", "1 KiB".to_owned())],
            contents: CONTENTS,
        };
        journals.into_iter().enumerate().map(page).collect()
    }
}

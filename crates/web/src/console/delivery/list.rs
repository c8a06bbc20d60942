use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use delivery::DeadReason;
use domain::configuration::Configuration;
use domain::{DeliveryId, Timestamp};
use http::Uri;
use serde::Serialize;
use store::{DeliveryRow, LastTry, Standing};

use super::{Badge, ahead, asked, live, took};
use crate::App;
use crate::api::Named;
use crate::api::delivery::list::DeliveriesQuery;
use crate::api::delivery::stream::mark;
use crate::api::integration::seen;
use crate::console::filters;
use crate::console::query::{Chip, Tab};
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{Caller, ListQuery};

/// Rows of a page, unless the URL says otherwise.
const ROWS: &str = "50";
/// Most integrations that the filter proposes; the URL takes any.
const PROPOSED: usize = 500;
/// Rows that a live page keeps; older ones leave it at the bottom.
const KEPT: usize = 200;
/// Parameters of the page alone.
const OWN: [&str; 2] = ["live", "told"];
/// Why deliveries are given up, as the filter proposes it.
const REASONS: [DeadReason; 6] = DeadReason::ALL;

#[derive(Debug, Template)]
#[template(path = "delivery/list.html")]
pub(in crate::console) struct DeliveriesPage {
    frame: Frame,
    asked: DeliveriesQuery,
    state: query::State,
    tabs: Vec<Tab>,
    chips: Vec<Chip>,
    integrations: Vec<(String, String)>,
    causes: &'static [&'static str],
    /// What the fields for kinds propose.
    kinds: Kinds,
    rows: Vec<Row>,
    next: Option<String>,
    scanned: Option<Timestamp>,
    is_later: bool,
    /// Where what happens is told; none where it cannot be, and on later pages.
    stream: Option<String>,
    /// Up to when the page knows what has happened.
    last: String,
    /// What happens is shown as it does.
    is_live: bool,
    /// The same list with that switched on or off.
    switched: String,
}

#[derive(Debug, Default)]
struct Kinds {
    codes: Vec<String>,
    categories: Vec<String>,
}

/// A delivery in a list.
#[derive(Debug, Serialize)]
pub(in crate::console) struct Row {
    id: String,
    path: String,
    created: Timestamp,
    badge: Badge,
    reason: Option<String>,
    kind: Option<String>,
    subject: Shown,
    critical: bool,
    is_replay: bool,
    company: String,
    integration: String,
    cause: Option<String>,
    code: Option<u16>,
    /// How many of how many: the second is none when the integration has gone.
    attempts: u32,
    planned: Option<usize>,
    took: Option<String>,
    /// When it is tried next by itself, and in how long.
    due: Option<(Timestamp, String)>,
}

pub(crate) async fn show(app: State<App>, visitor: Visitor, uri: Uri) -> Page {
    let asked = ListQuery::<DeliveriesQuery>::read(&uri, &OWN)?;
    let wants_live = asked.own("live") == "1";
    let mut asked = asked.list;
    if asked.limit.as_deref().is_none_or(str::is_empty) {
        asked.limit = Some(ROWS.to_owned());
    }
    let caller = &visitor.caller;
    let is_later = asked.cursor.as_deref().is_some_and(|text| !text.is_empty());
    let (query, at) = asked.clone().parse(caller)?;
    let now = app.now();
    let found = app.store().deliveries(caller.scope(), &query, &at).await?;
    let ids: Vec<_> = found.items.iter().map(|row| row.id).collect();
    let tries = app.store().last_tries(caller.scope(), &ids).await?;
    let frame = Frame::new(
        &visitor,
        Here::Deliveries,
        "Deliveries",
        asked.company.as_deref(),
    );
    let mut view = DeliveriesPage::new(frame, asked, integrations(caller), is_later);
    view.kinds = Kinds::of(&caller.configuration);
    view.last = mark(now);
    if live::can_follow(&query) && !is_later {
        view.stream = Some(view.state.elsewhere("/deliveries/live"));
        view.is_live = wants_live;
    }
    if !view.is_live {
        view.switched = view.state.elsewhere_with("/deliveries", "live", "1");
    }
    view.next = found.next.map(|cursor| view.state.next(&cursor));
    view.scanned = found.scanned_until;
    let row = |row| Row::new(row, &tries, &caller.configuration, now);
    view.rows = found.items.into_iter().map(row).collect();
    page(&view)
}

/// Those that the filter proposes, by name.
fn integrations(caller: &Caller) -> Vec<(String, String)> {
    let all = caller.configuration.integrations();
    let mut integrations: Vec<_> = all
        .filter(|integration| seen(integration, caller))
        .map(|integration| (integration.id.to_string(), visible(&integration.name)))
        .collect();
    integrations.sort_unstable_by_key(|(_, name)| name.to_lowercase());
    integrations.truncate(PROPOSED);
    integrations
}

impl DeliveriesPage {
    /// The page without its rows.
    fn new(
        frame: Frame,
        asked: DeliveriesQuery,
        integrations: Vec<(String, String)>,
        is_later: bool,
    ) -> Self {
        let state = asked::state(&asked, ROWS);
        Self {
            tabs: asked::tabs(&state, &frame.company),
            chips: asked::chips(&state, &integrations),
            frame,
            asked,
            integrations,
            causes: &delivery::Cause::CLASSES,
            kinds: Kinds::default(),
            rows: Vec::new(),
            next: None,
            scanned: None,
            is_later,
            stream: None,
            last: String::new(),
            is_live: false,
            switched: state.newest(),
            state,
        }
    }

    /// The last of the rows where there are more behind it: what is older would not stand on this page.
    fn oldest(&self) -> Option<&str> {
        let last = self.rows.last().filter(|_| self.next.is_some());
        last.map(|row| row.id.as_str())
    }

    fn has_more(&self) -> bool {
        asked::has_more(&self.state)
    }

    /// All that the list means, as a file.
    fn export(&self, format: &str) -> String {
        self.state
            .elsewhere_with("/api/v1/deliveries/export", "format", format)
    }

    /// The question whether to cancel all that the list means and that waits; a list of everything is none to cancel.
    fn cancel_all(&self) -> Option<String> {
        let status = self.asked.status.as_deref().unwrap_or_default();
        let waits = ["", "pending", "parked"].contains(&status)
            && (self.state.is_narrowed() || !self.frame.company.is_empty());
        waits.then(|| self.state.elsewhere("/deliveries/cancel"))
    }

    /// A replay of all that the list means; a list of everything is none to replay.
    fn replay_all(&self) -> Option<String> {
        let is_narrowed = self.state.is_narrowed() || !self.frame.company.is_empty();
        is_narrowed.then(|| self.state.elsewhere("/replays/new"))
    }
}

impl Kinds {
    fn of(configuration: &Configuration) -> Self {
        let kinds = configuration.catalogue().kinds();
        let mut codes: Vec<_> = kinds.iter().map(|kind| kind.code.clone()).collect();
        let mut categories: Vec<_> = kinds.iter().map(|kind| kind.category.clone()).collect();
        for words in [&mut codes, &mut categories] {
            words.sort_unstable();
            words.dedup();
        }
        Self { codes, categories }
    }
}

impl Row {
    pub(super) fn new(
        row: DeliveryRow,
        tries: &HashMap<DeliveryId, LastTry>,
        configuration: &Configuration,
        now: Timestamp,
    ) -> Self {
        let last = tries.get(&row.id);
        let integration = configuration.integration(row.integration);
        Self {
            id: row.id.to_string(),
            path: format!("/deliveries/{}", row.id),
            created: row.created_at,
            badge: Badge::of(row.standing, row.reason.as_deref()),
            kind: row.kind.as_deref().map(visible),
            subject: Shown::line(&row.subject, ROW),
            critical: row.critical,
            is_replay: row.replay_of.is_some(),
            company: Named::company(row.company, configuration).shown(),
            integration: Named::integration(row.integration, configuration).shown(),
            due: due(&row).map(|at| (at, ahead(at, now))),
            reason: row
                .reason
                .as_deref()
                .filter(|reason| *reason != DeadReason::Cancelled.as_str())
                .map(|reason| visible(reason).replace('_', " ")),
            cause: row.cause.as_deref().map(visible),
            code: last.and_then(|last| last.status_code),
            attempts: row.attempts,
            planned: integration.map(|found| found.delivery.schedule.waits().len()),
            took: last.map(|last| took(last.duration_micros)),
        }
    }
}

impl Row {
    /// The date, which stays on one line.
    fn day(&self) -> String {
        self.created.to_string().chars().take(10).collect()
    }

    /// The time of day, to the second.
    fn clock(&self) -> String {
        let text = self.created.to_string();
        text.chars().skip(11).take(8).collect()
    }
}

impl Row {
    /// What of it changes, in short, so that a live page knows what it shows already.
    fn standing(&self) -> String {
        format!("{} {}", self.badge.word, self.attempts)
    }
}

/// When it is tried next by itself.
pub(super) fn due(row: &DeliveryRow) -> Option<Timestamp> {
    let due = row
        .not_before
        .map_or(row.due_at, |not_before| not_before.max(row.due_at));
    (row.standing == Standing::Pending).then_some(due)
}

impl DeliveriesPage {
    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let row = |standing: Standing| Row {
            id: "1".to_owned(),
            path: "/deliveries/1".to_owned(),
            kind: Some(visible(hostile)),
            created: Timestamp::from_micros(1_764_122_400_000_000),
            badge: standing.into(),
            reason: (standing == Standing::Dead).then(|| visible(hostile)),
            subject: Shown::line(hostile, ROW),
            critical: true,
            is_replay: standing == Standing::Delivered,
            company: visible(hostile),
            integration: visible(hostile),
            cause: Some("tls".to_owned()),
            code: Some(503),
            attempts: 2,
            planned: (standing != Standing::Dead).then_some(10),
            took: Some("12 ms".to_owned()),
            due: (standing == Standing::Pending)
                .then(|| (Timestamp::from_micros(1), "in 27 min".to_owned())),
        };
        let empty = |asked: DeliveriesQuery, is_later| {
            let integrations = vec![("1".to_owned(), visible(hostile))];
            Self::new(
                Frame::sample(Here::Deliveries),
                asked,
                integrations,
                is_later,
            )
        };
        let narrowed = || DeliveriesQuery {
            cause: Some("\"><script>".to_owned()),
            event: Some("\"><script>".to_owned()),
            integration: Some("1".to_owned()),
            text: Some("\"><script>".to_owned()),
            kind: Some("\"><script>".to_owned()),
            code: Some("\"><script>".to_owned()),
            took_millis: Some("\"><script>".to_owned()),
            category: Some("\"><script>".to_owned()),
            ..DeliveriesQuery::default()
        };
        let mut filled = empty(DeliveriesQuery::default(), false);
        filled.rows = Standing::ALL.map(row).into();
        filled.next = Some("/deliveries?cursor=1".to_owned());
        filled.stream = Some("/deliveries/live".to_owned());
        let mut live = empty(narrowed(), false);
        live.rows = vec![row(Standing::Pending)];
        live.stream = Some("/deliveries/live?cause=tls".to_owned());
        live.is_live = true;
        let mut waiting = empty(DeliveriesQuery::default(), false);
        waiting.stream = Some("/deliveries/live".to_owned());
        waiting.is_live = true;
        let mut found = empty(narrowed(), true);
        found.rows = vec![row(Standing::Dead)];
        let mut scanned = empty(narrowed(), false);
        scanned.next = Some("/deliveries?cursor=1".to_owned());
        scanned.scanned = Some(Timestamp::from_micros(1_764_122_400_000_000));
        vec![
            filled,
            live,
            waiting,
            found,
            scanned,
            empty(DeliveriesQuery::default(), false),
            empty(narrowed(), false),
            empty(DeliveriesQuery::default(), true),
        ]
    }
}

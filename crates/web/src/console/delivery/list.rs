use askama::Template;
use axum::extract::State;
use domain::Timestamp;
use domain::configuration::Configuration;
use store::{DeliveryRow, Standing};

use super::Badge;
use crate::App;
use crate::api::Named;
use crate::api::delivery::list::DeliveriesQuery;
use crate::api::integration::seen;
use crate::console::filters;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::Query;

/// Rows of a page, unless the URL says otherwise.
const ROWS: &str = "50";
/// Most integrations that the filter proposes; the URL takes any.
const PROPOSED: usize = 500;

#[derive(Debug, Template)]
#[template(path = "delivery/list.html")]
pub(in crate::console) struct DeliveriesPage {
    frame: Frame,
    asked: DeliveriesQuery,
    state: query::State,
    integrations: Vec<(String, String)>,
    causes: &'static [&'static str],
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
}

/// A delivery in a list.
#[derive(Debug)]
pub(in crate::console) struct Row {
    path: String,
    created: Timestamp,
    badge: Badge,
    reason: Option<String>,
    subject: Shown,
    critical: bool,
    company: Named,
    integration: Named,
    cause: Option<String>,
    attempts: u32,
    /// When it is tried next by itself.
    due: Option<Timestamp>,
}

pub(crate) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(mut asked): Query<DeliveriesQuery>,
) -> Page {
    if asked.limit.as_deref().is_none_or(str::is_empty) {
        asked.limit = Some(ROWS.to_owned());
    }
    let caller = &visitor.caller;
    let state = state(&asked);
    let (query, at) = asked.clone().parse(caller)?;
    let found = app.store().deliveries(caller.scope(), &query, &at).await?;
    let configuration = &caller.configuration;
    let seen = configuration
        .integrations()
        .filter(|integration| seen(integration, caller));
    let mut integrations: Vec<_> = seen
        .map(|integration| (integration.id.to_string(), visible(&integration.name)))
        .collect();
    integrations.sort_unstable_by_key(|(_, name)| name.to_lowercase());
    integrations.truncate(PROPOSED);
    let company = asked.company.as_deref();
    page(&DeliveriesPage {
        frame: Frame::new(&visitor, Here::Deliveries, "Deliveries", company),
        integrations,
        causes: &delivery::Cause::CLASSES,
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later: asked.cursor.as_deref().is_some_and(|text| !text.is_empty()),
        state,
        asked,
        rows: found
            .items
            .into_iter()
            .map(|row| Row::new(row, configuration))
            .collect(),
    })
}

/// All that the URL holds but the page.
fn state(asked: &DeliveriesQuery) -> query::State {
    let limit = asked.limit.as_deref().filter(|limit| *limit != ROWS);
    query::State::new(
        "/deliveries",
        &[
            ("id", asked.id.as_deref()),
            ("status", asked.status.as_deref()),
            ("integration", asked.integration.as_deref()),
            ("event", asked.event.as_deref()),
            ("cause", asked.cause.as_deref()),
            ("reason", asked.reason.as_deref()),
            ("fault", asked.fault.as_deref()),
            ("since", asked.since.as_deref()),
            ("until", asked.until.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", limit),
        ],
    )
}

impl Row {
    fn new(row: DeliveryRow, configuration: &Configuration) -> Self {
        Self {
            path: format!("/deliveries/{}", row.id),
            created: row.created_at,
            badge: row.standing.into(),
            subject: Shown::line(&row.subject, ROW),
            critical: row.critical,
            company: Named::company(row.company, configuration),
            integration: Named::integration(row.integration, configuration),
            due: due(&row),
            reason: row.reason.as_deref().map(visible),
            cause: row.cause.as_deref().map(visible),
            attempts: row.attempts,
        }
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
        let named = || Named {
            id: "1".to_owned(),
            name: Some(hostile.to_owned()),
        };
        let row = |standing: Standing| Row {
            path: "/deliveries/1".to_owned(),
            created: Timestamp::from_micros(1_764_122_400_000_000),
            badge: standing.into(),
            reason: (standing == Standing::Dead).then(|| visible(hostile)),
            subject: Shown::line(hostile, ROW),
            critical: true,
            company: named(),
            integration: named(),
            cause: Some("tls".to_owned()),
            attempts: 2,
            due: (standing == Standing::Pending).then_some(Timestamp::from_micros(1)),
        };
        let page = |asked: DeliveriesQuery, rows: Vec<Row>, is_later| Self {
            frame: Frame::sample(Here::Deliveries),
            state: state(&asked),
            asked,
            integrations: vec![("1".to_owned(), visible(hostile))],
            causes: &delivery::Cause::CLASSES,
            next: (!rows.is_empty()).then(|| "/deliveries?cursor=1".to_owned()),
            rows,
            is_later,
        };
        let narrowed = DeliveriesQuery {
            cause: Some("\"><script>".to_owned()),
            ..DeliveriesQuery::default()
        };
        vec![
            page(
                DeliveriesQuery::default(),
                Standing::ALL.map(row).into(),
                false,
            ),
            page(DeliveriesQuery::default(), Vec::new(), false),
            page(narrowed, Vec::new(), false),
            page(DeliveriesQuery::default(), Vec::new(), true),
        ]
    }
}

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use domain::access::Scope;
use domain::integration::Integration;
use domain::{CompanyId, Timestamp};
use serde::Deserialize;
use store::{DeadNow, EventQuery, Figures, PageAt, Slot, Span, Store, WaitingNow};
use url::form_urlencoded::Serializer;

use super::attention::{Facts, Item};
use super::link;
use super::range::Range;
use crate::App;
use crate::api::Named;
use crate::api::fields::find_company;
use crate::api::integration::seen;
use crate::console::chart::{Lines, Outcomes, Ranked, RankedRow, Stacked, duration, number};
use crate::console::filters;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Caller, Params, Query};

/// Most categories and companies that a chart names.
const RANKED: u16 = 8;
/// Most wordings that have changed that are asked for.
const ALARMS: u16 = 20;
/// Counting that is late by less than this is not worth a word.
const LATE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct DashboardQuery {
    range: Option<String>,
    company: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "dashboard/show.html")]
pub(in crate::console) struct DashboardPage {
    frame: Frame,
    ranges: Vec<RangeLink>,
    refresh: u32,
    /// Since when things wait to be counted.
    counted_until: Option<Timestamp>,
    /// No event has come in yet.
    is_new: bool,
    attention: Vec<Item>,
    cards: Vec<Card>,
    outcomes: Stacked,
    lags: Lines,
    categories: Ranked,
    /// None when one company is looked at.
    companies: Option<Ranked>,
}

#[derive(Debug)]
struct RangeLink {
    word: &'static str,
    path: String,
    is_current: bool,
}

/// A figure that leads to what it counts.
#[derive(Debug)]
struct Card {
    name: &'static str,
    value: String,
    says: String,
    is_bad: bool,
    path: String,
}

/// What the store tells for a page.
struct Told {
    figures: Figures,
    day: Slot,
    busiest: Vec<(Option<CompanyId>, u64)>,
    waiting: WaitingNow,
    dead: DeadNow,
    uncounted: Option<Timestamp>,
    is_new: bool,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Query(asked): Query<DashboardQuery>,
) -> Page {
    let caller = &visitor.caller;
    let mut params = Params::default();
    let range = params.read("range", asked.range.as_deref());
    let range: Range = range.unwrap_or_default();
    let company = params.with("company", asked.company.as_deref(), |text| {
        find_company(text, caller)
    });
    params.finish()?;
    let now = app.clock().now();
    let told = Told::ask(app.store(), caller.scope(), company, range, now).await?;
    let gates = app.store().gates().await?;
    let mut drift = app.store().open_drift(caller.scope(), ALARMS).await?;
    drift.retain(|watched| company.is_none_or(|company| watched.key.company == Some(company)));
    let serves = |one: &&Integration| {
        let company = company.as_ref();
        company.is_none_or(|own| one.companies.is_empty() || one.companies.contains(own))
    };
    let mut integrations: Vec<&Integration> = caller
        .configuration
        .integrations()
        .filter(|integration| seen(integration, caller))
        .map(AsRef::as_ref)
        .filter(serves)
        .collect();
    integrations.sort_unstable_by_key(|integration| integration.name.to_lowercase());
    let frame = Frame::new(
        &visitor,
        Here::Dashboard,
        "Dashboard",
        asked.company.as_deref(),
    );
    let room = match caller.rules_all() {
        true => app.disk().room().await,
        false => None,
    };
    let facts = Facts {
        caller,
        frame: &frame,
        integrations: &integrations,
        gates: &gates,
        waiting: told.waiting,
        dead: &told.dead,
        drift: &drift,
        day: &told.day,
        day_began: now.before(DAY),
        now,
        room,
    };
    let attention = facts.items();
    let failing = integrations
        .iter()
        .filter(|one| facts.is_failing(one))
        .count();
    let cards = cards(&frame, &told, range, failing, now);
    let companies = company
        .is_none()
        .then(|| companies(caller, &told.busiest, range));
    page(&DashboardPage {
        ranges: ranges(&frame, range),
        refresh: range.refresh(),
        counted_until: told.uncounted.filter(|at| now.since(*at) > LATE),
        is_new: told.is_new,
        attention,
        cards,
        outcomes: outcomes(&told.figures, range, now),
        lags: lags(&told.figures, range, now),
        categories: categories(&frame, &told.figures),
        companies,
        frame,
    })
}

const DAY: Duration = Duration::from_secs(86_400);

impl Told {
    async fn ask(
        store: &Store,
        scope: &Scope,
        company: Option<CompanyId>,
        range: Range,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let since = range.begins(now).first().copied().unwrap_or(now);
        let figures = store.figures(scope, company, range.span(), since).await?;
        let day_since = Span::Hour.begin(now.before(DAY));
        let day = store.figures(scope, company, Span::Hour, day_since).await?;
        let busiest = match company {
            Some(_) => Vec::new(),
            None => store.busiest(scope, range.span(), since, RANKED).await?,
        };
        let is_new = figures.slots.is_empty() && day.slots.is_empty() && {
            let query = EventQuery {
                company,
                ..EventQuery::default()
            };
            let first = PageAt::new(Some(1), None);
            store.events(scope, &query, &first).await?.items.is_empty()
        };
        Ok(Self {
            day: day.total(),
            busiest,
            waiting: store.waiting_now(scope, company).await?,
            dead: store.dead_now(scope, company).await?,
            uncounted: store.uncounted().await?,
            is_new,
            figures,
        })
    }
}

fn ranges(frame: &Frame, current: Range) -> Vec<RangeLink> {
    let link = |range: Range| RangeLink {
        word: range.word(),
        path: link(frame, "/", &[("range", range.code())]),
        is_current: range == current,
    };
    Range::ALL.map(link).into()
}

fn cards(frame: &Frame, told: &Told, range: Range, failing: usize, now: Timestamp) -> Vec<Card> {
    let total = told.figures.total();
    let since = range
        .begins(now)
        .first()
        .copied()
        .unwrap_or(now)
        .to_string();
    let in_range = |path: &str, name: &str, value: &str| {
        link(frame, path, &[(name, value), ("since", &since)])
    };
    let dead = told
        .dead
        .by_integration
        .iter()
        .map(|(_, count)| count)
        .sum();
    let WaitingNow {
        count: waiting,
        parked,
        oldest,
        is_more,
    } = told.waiting;
    vec![
        Card {
            name: "Ingested",
            value: number(total.events),
            says: range.words().to_owned(),
            is_bad: false,
            path: link(frame, "/events", &[("since", &since)]),
        },
        Card {
            name: "Delivered",
            value: number(total.delivered),
            says: range.words().to_owned(),
            is_bad: false,
            path: in_range("/deliveries", "status", "delivered"),
        },
        Card {
            name: "Failing endpoints",
            value: number(u64::try_from(failing).unwrap_or(u64::MAX)),
            says: "now".to_owned(),
            is_bad: failing > 0,
            path: "/settings/integrations".to_owned(),
        },
        Card {
            name: "Oldest undelivered",
            value: oldest.map_or_else(|| "none".to_owned(), |at| duration(now.since(at))),
            says: format!(
                "{} waiting{}",
                at_least(waiting, is_more),
                match parked {
                    0 => String::new(),
                    parked => format!(", {} parked", at_least(parked, is_more)),
                }
            ),
            is_bad: false,
            path: link(frame, "/deliveries", &[("status", "pending")]),
        },
        Card {
            name: "Dead letters",
            value: at_least(dead, told.dead.is_more),
            says: "now".to_owned(),
            is_bad: dead > 0,
            path: link(frame, "/deliveries", &[("status", "dead")]),
        },
        Card {
            name: "Unknown subjects",
            value: number(total.unknown),
            says: range.words().to_owned(),
            is_bad: false,
            path: in_range("/events", "match", "none"),
        },
    ]
}

fn at_least(count: u64, is_more: bool) -> String {
    let plus = if is_more { "+" } else { "" };
    format!("{}{plus}", number(count))
}

fn outcomes(figures: &Figures, range: Range, now: Timestamp) -> Stacked {
    let slots = range.begins(now).into_iter().map(|begin| {
        let slot = figures.slots.get(&begin);
        let outcomes = slot.map_or_else(Outcomes::default, |slot| Outcomes {
            delivered: slot.delivered,
            failed: slot.failed,
            dead: slot.dead,
        });
        (range.name(begin), outcomes)
    });
    Stacked::new(
        "outcomes",
        "Deliveries by outcome",
        &slots.collect::<Vec<_>>(),
    )
}

fn lags(figures: &Figures, range: Range, now: Timestamp) -> Lines {
    let slots = range.begins(now).into_iter().map(|begin| {
        let lags = figures.slots.get(&begin).map(|slot| &slot.lags);
        let both = lags.and_then(|lags| lags.quantile(50).zip(lags.quantile(95)));
        (range.name(begin), both)
    });
    Lines::new(
        "lags",
        "Lag: received to delivered",
        &slots.collect::<Vec<_>>(),
    )
}

fn companies(caller: &Caller, busiest: &[(Option<CompanyId>, u64)], range: Range) -> Ranked {
    let rows = busiest.iter().map(|(company, count)| {
        let name = company.map(|id| Named::company(id, &caller.configuration).shown());
        let found = company.and_then(|id| caller.configuration.company(id));
        let path = found.map(|company| {
            let pairs = [("range", range.code()), ("company", company.name.as_str())];
            let mut query = Serializer::new(String::new());
            format!("/?{}", query.extend_pairs(pairs).finish())
        });
        RankedRow {
            name: name.unwrap_or_else(|| "unassigned".to_owned()),
            path,
            count: *count,
        }
    });
    Ranked::new("companies", "Events by company", "Company", rows.collect())
}

/// The largest, and the rest in one row.
fn categories(frame: &Frame, figures: &Figures) -> Ranked {
    let mut all: Vec<_> = figures.categories.iter().collect();
    all.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let rest = all.split_off(all.len().min(usize::from(RANKED)));
    let mut rows: Vec<_> = all
        .into_iter()
        .map(|(name, count)| RankedRow {
            name: match name.as_str() {
                "" => "of no known kind".to_owned(),
                name => visible(name),
            },
            path: (!name.is_empty()).then(|| link(frame, "/events", &[("category", name)])),
            count: *count,
        })
        .collect();
    let others: u64 = rest.iter().map(|(_, count)| **count).sum();
    if others > 0 {
        rows.push(RankedRow {
            name: match rest.len() {
                1 => "1 other".to_owned(),
                count => format!("{count} others"),
            },
            path: None,
            count: others,
        });
    }
    Ranked::new("categories", "Events by category", "Category", rows)
}

#[cfg(test)]
impl DashboardPage {
    pub(in crate::console) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}\"><script>";
        let now = Timestamp::from_micros(1_764_122_400_000_000);
        let mut figures = Figures::default();
        figures.categories.insert(hostile.to_owned(), 70);
        figures.categories.insert(String::new(), 1);
        (0..12_u64).for_each(|number| {
            _ = figures
                .categories
                .insert(format!("Category {number}"), number);
        });
        let slot = Slot {
            events: 12_345,
            delivered: 100,
            failed: 7,
            dead: 1,
            ..Slot::default()
        };
        figures.slots.insert(Span::Minute.begin(now), slot);
        let item = |class, word| Item {
            class,
            glyph: "✕",
            word,
            text: visible(hostile),
            quote: Some(crate::console::text::Shown::line(hostile, 100)),
            path: "/deliveries?status=dead".to_owned(),
            action: "Look at it",
        };
        let sample = |figures: Figures, is_new: bool, may_configure: bool| {
            let mut frame = Frame::sample(Here::Dashboard);
            frame.may_configure = may_configure;
            let told = Told {
                day: Slot::default(),
                busiest: Vec::new(),
                waiting: WaitingNow {
                    count: 10_000,
                    parked: 3,
                    oldest: Some(now.before(DAY)),
                    is_more: true,
                },
                dead: DeadNow::default(),
                uncounted: None,
                is_new,
                figures,
            };
            let row = RankedRow {
                name: visible(hostile),
                path: None,
                count: 3,
            };
            Self {
                ranges: ranges(&frame, Range::Hour),
                refresh: 10,
                counted_until: (!is_new).then_some(now),
                is_new,
                attention: Vec::new(),
                cards: cards(&frame, &told, Range::Hour, 2, now),
                outcomes: outcomes(&told.figures, Range::Hour, now),
                lags: lags(&told.figures, Range::Hour, now),
                categories: categories(&frame, &told.figures),
                companies: Some(Ranked::new(
                    "companies",
                    "Events by company",
                    "Company",
                    vec![row],
                )),
                frame,
            }
        };
        let mut busy = sample(figures, false, true);
        busy.attention = vec![item("bad", "held"), item("wait", "drift")];
        vec![
            busy,
            sample(Figures::default(), false, false),
            sample(Figures::default(), true, true),
            sample(Figures::default(), true, false),
        ]
    }
}

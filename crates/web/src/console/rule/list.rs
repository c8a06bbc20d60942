use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::configuration::Configuration;
use domain::event::Reason;
use domain::filter::Filter;
use domain::rule::IntegrationRule;
use domain::{RuleId, Timestamp};
use serde::Deserialize;
use store::{Hits, HitsQuery, Store, Unrouted};

use super::{HITS_SINCE, Standing, standings};
use crate::App;
use crate::api::integration::seen;
use crate::api::rule::overview::{RulesQuery, Wanted};
use crate::console::event::list::words;
use crate::console::integration::tabs;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{Caller, PageQuery, Query};

/// Most integrations that the filter proposes; the URL takes any.
const PROPOSED: usize = 500;

#[derive(Debug, Template)]
#[template(path = "rule/list.html")]
pub(in crate::console) struct RulesPage {
    frame: Frame,
    asked: Asked,
    state: query::State,
    files: query::Files,
    integrations: Vec<(String, String)>,
    rows: Vec<Row>,
    /// Not all deliveries of the day were looked at.
    is_bounded: bool,
    next: Option<String>,
    is_later: bool,
    rest: Rest,
}

/// A rule in the overview.
#[derive(Debug)]
struct Row {
    id: String,
    path: String,
    name: String,
    integration: String,
    rules_of: String,
    matchers: Vec<String>,
    event_set: String,
    standing: Standing,
    hits: u64,
}

/// Events of the last day that no rule sent anywhere.
#[derive(Debug)]
struct Rest {
    /// Those that a mapping was there for, and no rule of it fitted.
    no_rule: u64,
    path: String,
    /// The other reasons, how many, and the list of them.
    others: Vec<(&'static str, u64, String)>,
    is_bounded: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    text: Option<String>,
    /// Id of an integration.
    integration: Option<String>,
    /// Id or name of a company.
    company: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let caller = &visitor.caller;
    let query = RulesQuery {
        text: asked.text.clone(),
        integration: asked.integration.clone(),
        company: asked.company.clone(),
        ..RulesQuery::default()
    };
    let narrowed = Wanted::read(&query, caller)?;
    let since = app.now().before(HITS_SINCE);
    let scope = narrowed.scope(caller);
    let unrouted = app.store().unrouted(&scope, since).await?;
    let hits = HitsQuery {
        scope,
        integration: narrowed.integration,
        since,
    };
    let hits = app.store().hits(&hits).await?;
    let state = state(&asked);
    let at = PageQuery::new(asked.limit.clone(), asked.cursor.clone()).or(ROWS);
    let is_later = at.is_later();
    let fitting = narrowed.rules(caller).into_iter();
    let found = at.of(fitting, |rule: &&Arc<IntegrationRule>| rule.id)?;
    let standings = standings(caller, narrowed.integration);
    let row =
        |rule: &Arc<IntegrationRule>| Row::new(rule, &standings, &hits, &caller.configuration);
    let company = asked.company.as_deref();
    page(&RulesPage {
        frame: Frame::new(&visitor, Here::Rules, "Rules", company),
        integrations: integrations(caller),
        rows: found.items.into_iter().map(row).collect(),
        is_bounded: hits.truncated,
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later,
        rest: Rest::new(&unrouted, since, company),
        files: state.files("/api/v1/rules/export"),
        state,
        asked,
    })
}

fn state(asked: &Asked) -> query::State {
    query::State::new(
        "/rules",
        &[
            ("text", asked.text.as_deref()),
            ("integration", asked.integration.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", asked.limit.as_deref()),
        ],
    )
}

/// The integrations that somebody sees, by name.
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

impl Row {
    fn new(
        rule: &IntegrationRule,
        standings: &HashMap<RuleId, Standing>,
        hits: &Hits,
        configuration: &Configuration,
    ) -> Self {
        let integration = configuration.integration(rule.integration);
        let rules_of = integration.map_or_else(String::new, |found| {
            format!("{}/rules", tabs::path(&found.connector, found.id))
        });
        let set = configuration.event_set(rule.event_set);
        let matchers = rule.matchers.iter().map(Filter::to_string);
        Self {
            id: rule.id.to_string(),
            path: format!("{rules_of}/{}", rule.id),
            rules_of,
            name: visible(&rule.name),
            integration: integration.map_or_else(String::new, |found| visible(&found.name)),
            matchers: matchers.map(|matcher| visible(&matcher)).collect(),
            event_set: set.map_or_else(String::new, |set| visible(&set.name)),
            standing: Standing::of(rule, standings),
            hits: hits.rules.get(&rule.id).map_or(0, |hit| hit.count),
        }
    }
}

impl Rest {
    fn new(unrouted: &Unrouted, since: Timestamp, company: Option<&str>) -> Self {
        let since = since.to_string();
        let list = |reason: Reason| {
            let all = [
                ("routing", Some(reason.as_str())),
                ("since", Some(since.as_str())),
                ("company", company),
            ];
            query::State::new("/events", &all).newest()
        };
        let count = |reason: Reason| unrouted.reasons.get(&reason).copied().unwrap_or(0);
        let others = Reason::ALL
            .into_iter()
            .filter(|reason| *reason != Reason::NoRule && count(*reason) > 0)
            .map(|reason| (words(reason), count(reason), list(reason)));
        Self {
            no_rule: count(Reason::NoRule),
            path: list(Reason::NoRule),
            others: others.collect(),
            is_bounded: unrouted.truncated,
        }
    }
}

impl RulesPage {
    /// How many deliveries are looked at.
    fn most_hits(&self) -> u32 {
        Store::MOST_HITS
    }

    /// How many events that went nowhere are counted.
    fn most_unrouted(&self) -> u32 {
        Store::MOST_UNROUTED
    }

    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>\"><script>";
        let row = |on, silent| Row {
            id: "1".to_owned(),
            path: "/settings/integrations/webhook/1/rules/2".to_owned(),
            name: hostile.to_owned(),
            integration: hostile.to_owned(),
            rules_of: "/settings/integrations/webhook/1/rules".to_owned(),
            matchers: vec![hostile.to_owned(); on],
            event_set: hostile.to_owned(),
            standing: Standing::sample(on, silent, on == silent && on > 0),
            hits: 3,
        };
        let page = |asked: Asked, rows: Vec<Row>, is_later| Self {
            frame: Frame::sample(Here::Rules),
            files: state(&asked).files("/api/v1/rules/export"),
            state: state(&asked),
            asked,
            integrations: vec![("1".to_owned(), hostile.to_owned())],
            is_bounded: is_later,
            next: (!rows.is_empty()).then(|| "/rules?cursor=1".to_owned()),
            rows,
            is_later,
            rest: Rest {
                no_rule: 4,
                path: "/events?routing=no_rule".to_owned(),
                others: vec![("no mapping", 2, "/events?routing=no_mapping".to_owned())],
                is_bounded: is_later,
            },
        };
        let narrowed = Asked {
            text: Some(hostile.to_owned()),
            ..Asked::default()
        };
        vec![
            page(
                Asked::default(),
                vec![row(1, 0), row(0, 1), row(0, 0)],
                false,
            ),
            page(Asked::default(), Vec::new(), false),
            page(narrowed, Vec::new(), false),
            page(Asked::default(), Vec::new(), true),
        ]
    }
}

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::configuration::Configuration;
use domain::filter::Filter;
use domain::rule::IntegrationRule;
use domain::{IntegrationId, RuleId, Timestamp};
use serde::Deserialize;
use store::{Hits, HitsQuery, Store};

use super::super::step::Step;
use super::super::tabs::{Tab, Tabs};
use crate::App;
use crate::console::filters;
use crate::console::page::ROWS;
use crate::console::rule::{HITS_SINCE, Standing, standings};
use crate::console::text::visible;
use crate::console::{Frame, Page, page, query};
use crate::problem::Problem;
use crate::read::{PageQuery, Query};

#[derive(Debug, Template)]
#[template(path = "integration/rule/list.html")]
pub(in crate::console) struct RulesPage {
    frame: Frame,
    tabs: Tabs,
    /// Where the list is, and the tabs beside it.
    path: String,
    mappings: String,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    /// Not all deliveries of the day were looked at.
    is_bounded: bool,
    next: Option<String>,
    is_later: bool,
    /// The rule that is asked about before it goes.
    doomed: Option<Row>,
}

/// A rule in the list.
#[derive(Debug)]
struct Row {
    id: String,
    name: String,
    event_set: String,
    matchers: Vec<String>,
    standing: Standing,
    hits: u64,
    last: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
    /// The rule whose removal is asked for.
    remove: Option<String>,
}

pub(super) async fn show(app: State<App>, step: Step, Query(asked): Query<Asked>) -> Page {
    let (caller, id) = (&step.visitor.caller, step.integration.id);
    let query = HitsQuery {
        scope: caller.scope().clone(),
        integration: Some(id),
        since: app.now().before(HITS_SINCE),
    };
    let hits = app.store().hits(&query).await?;
    let standings = standings(caller, Some(id));
    let configuration = &caller.configuration;
    let row = |rule: &Arc<IntegrationRule>| Row::new(rule, &standings, &hits, configuration);
    let own = || configuration.rules().filter(|rule| rule.integration == id);
    let doomed = match asked.remove.as_deref().filter(|_| step.may_configure()) {
        Some(text) => {
            let id = text.parse::<RuleId>().ok();
            let found = own().find(|rule| Some(rule.id) == id);
            Some(row(found.ok_or_else(|| Problem::not_found("rule"))?))
        }
        None => None,
    };
    let path = step.path(Tab::Rules);
    let list = query::State::new(path.clone(), &[("limit", asked.limit.as_deref())]);
    let at = PageQuery::new(asked.limit, asked.cursor).or(ROWS);
    let is_later = at.is_later();
    let found = at.of(own(), |rule: &&Arc<IntegrationRule>| rule.id)?;
    page(&RulesPage {
        frame: step.frame(Tab::Rules.word()),
        tabs: step.tabs(Tab::Rules),
        mappings: step.path(Tab::Mapping),
        rows: found.items.into_iter().map(row).collect(),
        is_bounded: hits.truncated,
        next: found.next.map(|cursor| list.next(&cursor)),
        files: files(id),
        state: list,
        path,
        is_later,
        doomed,
    })
}

/// The API has the rules of all integrations in one list.
fn files(integration: IntegrationId) -> query::Files {
    let integration = integration.to_string();
    let meant = query::State::new("", &[("integration", Some(&*integration))]);
    meant.files("/api/v1/rules/export")
}

impl Row {
    fn new(
        rule: &IntegrationRule,
        standings: &HashMap<RuleId, Standing>,
        hits: &Hits,
        configuration: &Configuration,
    ) -> Self {
        let set = configuration.event_set(rule.event_set);
        let hit = hits.rules.get(&rule.id);
        Self {
            id: rule.id.to_string(),
            name: visible(&rule.name),
            event_set: set.map_or_else(String::new, |set| visible(&set.name)),
            matchers: rule
                .matchers
                .iter()
                .map(|matcher: &Filter| visible(&matcher.to_string()))
                .collect(),
            standing: Standing::of(rule, standings),
            hits: hit.map_or(0, |hit| hit.count),
            last: hit.map(|hit| hit.newest),
        }
    }
}

impl RulesPage {
    /// How many deliveries are looked at.
    fn most_hits(&self) -> u32 {
        Store::MOST_HITS
    }

    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        use crate::console::Here;
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |on, silent| Row {
            id: "1".to_owned(),
            name: hostile.to_owned(),
            event_set: hostile.to_owned(),
            matchers: vec![hostile.to_owned(); on],
            standing: Standing::sample(on, silent, on == silent && on > 0),
            hits: 7,
            last: (on > 0).then_some(Timestamp::from_micros(1_764_122_400_000_000)),
        };
        let page = |rows: Vec<Row>, is_later, doomed| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::Rules, true),
            path: "/settings/integrations/webhook/1/rules".to_owned(),
            mappings: "/settings/integrations/webhook/1/mappings".to_owned(),
            is_bounded: is_later,
            state: query::State::new("/settings", &[]),
            files: query::State::new("/settings", &[]).files("/api/v1/rules/export"),
            next: (!rows.is_empty()).then(|| "/settings?cursor=1".to_owned()),
            rows,
            is_later,
            doomed,
        };
        vec![
            page(vec![row(0, 0), row(1, 0), row(0, 1)], true, None),
            page(Vec::new(), false, None),
            page(Vec::new(), true, None),
            page(vec![row(0, 0)], false, Some(row(0, 0))),
            page(vec![row(0, 0)], false, Some(row(1, 1))),
        ]
    }
}

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use domain::configuration::Configuration;
use domain::event_set::EventSet;
use domain::{EventSetId, Timestamp};
use serde::Deserialize;

use super::super::step::Step;
use super::super::tabs::{Tab, Tabs};
use super::word;
use crate::api::integration::seen;
use crate::console::filters;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Page, page, query};
use crate::problem::Problem;
use crate::read::{Caller, PageQuery, Query};

/// Most rules that are named of those that use a set.
const NAMED: usize = 20;

#[derive(Debug, Template)]
#[template(path = "integration/event_set/list.html")]
pub(in crate::console) struct EventSetsPage {
    frame: Frame,
    tabs: Tabs,
    /// Where the list is.
    path: String,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
    /// The set that is asked about before it goes.
    doomed: Option<Row>,
}

/// An event set in the list.
#[derive(Debug)]
struct Row {
    id: String,
    name: String,
    notify_by: &'static str,
    critical_bypass: bool,
    events: usize,
    /// Names of the rules that use it, as many as are named.
    rules: Vec<String>,
    /// Rules beyond those.
    more_rules: usize,
    made: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
    /// The set whose removal is asked for.
    remove: Option<String>,
}

pub(super) async fn show(step: Step, Query(asked): Query<Asked>) -> Page {
    let configuration = &step.visitor.caller.configuration;
    let uses = uses(&step.visitor.caller);
    let row = |set: &Arc<EventSet>| Row::new(set, &uses);
    let doomed = match asked.remove.as_deref().filter(|_| step.may_configure()) {
        Some(text) => Some(row(find(text, configuration)?)),
        None => None,
    };
    let path = step.path(Tab::EventSet);
    let list = query::State::new(path.clone(), &[("limit", asked.limit.as_deref())]);
    let at = PageQuery::new(asked.limit, asked.cursor).or(ROWS);
    let is_later = at.is_later();
    let found = at.of(configuration.event_sets(), |set: &&Arc<EventSet>| set.id)?;
    page(&EventSetsPage {
        frame: step.frame(Tab::EventSet.word()),
        tabs: step.tabs(Tab::EventSet),
        rows: found.items.into_iter().map(row).collect(),
        next: found.next.map(|cursor| list.next(&cursor)),
        files: list.files("/api/v1/event-sets/export"),
        state: list,
        path,
        is_later,
        doomed,
    })
}

fn find<'a>(text: &str, configuration: &'a Configuration) -> Result<&'a Arc<EventSet>, Problem> {
    let id = text.parse::<EventSetId>().ok();
    let found = id.and_then(|id| configuration.event_set(id));
    found.ok_or_else(|| Problem::not_found("event set"))
}

/// Names of the rules that use each set, as far as somebody sees them.
fn uses(caller: &Caller) -> HashMap<EventSetId, Vec<String>> {
    let configuration = &caller.configuration;
    let mut uses: HashMap<_, Vec<String>> = HashMap::new();
    for rule in configuration.rules() {
        let integration = configuration.integration(rule.integration);
        if integration.is_some_and(|integration| seen(integration, caller)) {
            let names = uses.entry(rule.event_set).or_default();
            names.push(visible(&rule.name));
        }
    }
    uses
}

impl Row {
    fn new(set: &EventSet, uses: &HashMap<EventSetId, Vec<String>>) -> Self {
        let mut rules = uses.get(&set.id).cloned().unwrap_or_default();
        rules.sort_unstable_by_key(|name| name.to_lowercase());
        let more_rules = rules.len().saturating_sub(NAMED);
        rules.truncate(NAMED);
        Self {
            id: set.id.to_string(),
            name: visible(&set.name),
            notify_by: word(set.notify_by),
            critical_bypass: set.critical_bypass,
            events: set.events.len(),
            rules,
            more_rules,
            made: set.created_at,
        }
    }

    /// How many rules use it.
    fn used(&self) -> usize {
        self.rules.len() + self.more_rules
    }
}

impl EventSetsPage {
    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        use crate::console::Here;
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |rules: usize, more_rules| Row {
            id: "1".to_owned(),
            name: hostile.to_owned(),
            notify_by: "Asset",
            critical_bypass: more_rules > 0,
            events: 3,
            rules: vec![hostile.to_owned(); rules],
            more_rules,
            made: Timestamp::from_micros(1_764_122_400_000_000),
        };
        let page = |rows: Vec<Row>, is_later, doomed| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::EventSet, true),
            path: "/settings/integrations/webhook/1/event-sets".to_owned(),
            state: query::State::new("/settings", &[]),
            files: query::State::new("/settings", &[]).files("/api/v1/event-sets/export"),
            next: (!rows.is_empty()).then(|| "/settings?cursor=1".to_owned()),
            rows,
            is_later,
            doomed,
        };
        vec![
            page(vec![row(0, 0), row(1, 0), row(2, 3)], true, None),
            page(Vec::new(), false, None),
            page(Vec::new(), true, None),
            page(vec![row(0, 0)], false, Some(row(0, 0))),
            page(vec![row(0, 0)], false, Some(row(2, 1))),
        ]
    }
}

use std::sync::Arc;

use askama::Template;
use domain::CompanyId;
use domain::company::Company;
use serde::Deserialize;

use crate::api::company::list::{CompanyQuery, Wanted};
use crate::api::{integration, source};
use crate::console::by_name::ByName;
use crate::console::page::ROWS;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{Caller, PageQuery, Query};

#[derive(Debug, Template)]
#[template(path = "company/list.html")]
pub(super) struct CompaniesPage {
    frame: Frame,
    asked: CompaniesQuery,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    is_later: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct CompaniesQuery {
    /// Part of a name, an alias, a domain or an external id.
    text: Option<String>,
    /// `false`: only those whose events go nowhere for want of a mapping.
    mapped: Option<String>,
    company: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// A company in a list.
#[derive(Debug)]
struct Row {
    path: String,
    name: String,
    aliases: String,
    domain: String,
    is_mapped: bool,
    /// Integrations that make alerts of its events.
    integrations: usize,
    /// Sources that may speak for it.
    sources: usize,
    /// Events in a second that it may bring.
    quota: Option<u32>,
    events: String,
}

pub(super) async fn show(visitor: Visitor, Query(asked): Query<CompaniesQuery>) -> Page {
    let caller = &visitor.caller;
    let wanted = Wanted::read(&CompanyQuery {
        text: asked.text.clone(),
        mapped: asked.mapped.clone(),
        ..CompanyQuery::default()
    })?;
    let companies = caller.configuration.companies();
    let fitting = companies.filter(|company| wanted.fits(company, caller));
    let at = PageQuery::new(asked.limit.clone(), asked.cursor.clone()).or(ROWS);
    let is_later = at.is_later();
    let found = at.of(fitting, |company: &&Arc<Company>| {
        ByName::new(&company.name, company.id)
    })?;
    let state = state(&asked);
    page(&CompaniesPage {
        frame: Frame::new(
            &visitor,
            Here::Companies,
            "Companies",
            asked.company.as_deref(),
        ),
        rows: found
            .items
            .into_iter()
            .map(|company| Row::new(company, caller))
            .collect(),
        next: found.next.map(|cursor| state.next(&cursor)),
        is_later,
        files: files(&asked),
        state,
        asked,
    })
}

/// All that the URL holds but the page.
fn state(asked: &CompaniesQuery) -> query::State {
    query::State::new(
        "/companies",
        &[
            ("text", asked.text.as_deref()),
            ("mapped", asked.mapped.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", asked.limit.as_deref()),
        ],
    )
}

/// The company that is looked at is none of the list's filters.
fn files(asked: &CompaniesQuery) -> query::Files {
    let meant = [
        ("text", asked.text.as_deref()),
        ("mapped", asked.mapped.as_deref()),
    ];
    query::State::new("/companies", &meant).files("/api/v1/companies/export")
}

/// How many integrations make alerts of a company's events, of those that the caller may see.
fn integrations(id: CompanyId, caller: &Caller) -> usize {
    let configuration = &caller.configuration;
    let mappings = configuration.mappings_for(id);
    let on = mappings.filter(|mapping| mapping.create_webhook_alert);
    let serving = on.filter_map(|mapping| configuration.integration(mapping.integration));
    serving
        .filter(|found| found.serves(id) && integration::seen(found, caller))
        .count()
}

impl Row {
    fn new(company: &Company, caller: &Caller) -> Self {
        let id = company.id;
        let sources = caller.configuration.sources();
        let sources = sources.filter(|found| {
            source::seen(found, caller)
                && (found.companies.is_empty() || found.companies.contains(&id))
        });
        Self {
            path: format!("/companies/{id}"),
            name: visible(&company.name),
            aliases: visible(&company.aliases.join(", ")),
            domain: company.domain.as_deref().map(visible).unwrap_or_default(),
            is_mapped: caller.configuration.is_mapped(id),
            integrations: integrations(id, caller),
            sources: sources.count(),
            quota: company.quota.map(|quota| quota.events_per_second.get()),
            events: query::with_company("/events", &company.name),
        }
    }
}

impl CompaniesPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |is_mapped| Row {
            path: "/companies/1".to_owned(),
            name: hostile.to_owned(),
            aliases: hostile.to_owned(),
            domain: hostile.to_owned(),
            is_mapped,
            integrations: 2,
            sources: 1,
            quota: is_mapped.then_some(50),
            events: "/events?company=1".to_owned(),
        };
        let page = |asked: CompaniesQuery, rows: Vec<Row>| Self {
            frame: Frame::sample(Here::Companies),
            state: state(&asked),
            files: files(&asked),
            is_later: asked.cursor.is_some(),
            asked,
            next: (!rows.is_empty()).then(|| "/companies?cursor=1".to_owned()),
            rows,
        };
        let narrowed = CompaniesQuery {
            text: Some("\"><script>".to_owned()),
            mapped: Some("false".to_owned()),
            cursor: Some("1".to_owned()),
            ..CompaniesQuery::default()
        };
        let mut read_only = page(CompaniesQuery::default(), Vec::new());
        read_only.frame.may_configure = false;
        vec![
            page(CompaniesQuery::default(), vec![row(true), row(false)]),
            page(CompaniesQuery::default(), Vec::new()),
            page(narrowed, Vec::new()),
            read_only,
        ]
    }
}

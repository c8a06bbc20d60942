use askama::Template;
use axum::extract::State;
use domain::company::Company;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::{CompanyId, Timestamp};

use super::{Entries, POINTERS};
use crate::App;
use crate::api::company::{find, update};
use crate::api::{integration, source};
use crate::console::filters;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::{Caller, Id, Posted};

/// Most sources and mappings that the page names.
const NAMED: usize = 100;

#[derive(Debug, Template)]
#[template(path = "company/detail.html")]
pub(super) struct CompanyPage {
    frame: Frame,
    id: String,
    path: String,
    name: String,
    is_mapped: bool,
    created: Timestamp,
    mappings: Vec<Mapped>,
    /// Path and name.
    sources: Vec<(String, String)>,
    events: String,
    deliveries: String,
    entries: Entries,
    faults: Faults,
    /// Whether to remove it is asked, and what is wrong with the answer.
    asks: Option<String>,
}

/// What an integration makes of the company's events.
#[derive(Debug)]
struct Mapped {
    integration: String,
    path: String,
    rules: String,
    /// *Create Webhook Alert*.
    is_on: bool,
    /// It is the mapping of all companies.
    is_of_all: bool,
}

pub(super) async fn show(visitor: Visitor, Id(id): Id<CompanyId>) -> Page {
    let company = find(id, &visitor.caller)?;
    page(&CompanyPage::new(&visitor, company))
}

pub(super) async fn update(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<CompanyId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let company = find(id, &visitor.caller)?;
    let entries = Entries::posted(&posted);
    let changed = match form::read(&entries.form()) {
        Ok(form) => update::update(app, admin, Id(id), form).await,
        Err(problem) => Err(problem),
    };
    let Err(problem) = changed else {
        return Ok(see_told(&format!("/companies/{id}"), Told::Saved));
    };
    let faults = Faults::of(problem)?;
    let status = faults.status();
    let view = CompanyPage {
        entries,
        faults,
        ..CompanyPage::new(&visitor, company)
    };
    page_with(status, &view)
}

impl CompanyPage {
    pub(super) fn new(visitor: &Visitor, company: &Company) -> Self {
        let caller = &visitor.caller;
        let configuration = &caller.configuration;
        let id = company.id;
        let mappings = configuration.mappings_for(id).take(NAMED);
        let sources = configuration.sources().filter(|found| {
            source::seen(found, caller)
                && (found.companies.is_empty() || found.companies.contains(&id))
        });
        let sources = sources.map(|source| {
            let path = format!("/sources/{}", source.id);
            (path, visible(&source.name))
        });
        let mut sources: Vec<_> = sources.take(NAMED).collect();
        sources.sort_unstable_by_key(|(_, name)| name.to_lowercase());
        let text = id.to_string();
        Self {
            frame: Frame::new(visitor, Here::Companies, &visible(&company.name), None),
            name: visible(&company.name),
            is_mapped: configuration.is_mapped(id),
            created: company.created_at,
            mappings: mappings
                .filter_map(|mapping| Mapped::new(mapping, id, caller))
                .collect(),
            sources,
            events: query::with_company("/events", &company.name),
            deliveries: query::with_company("/deliveries", &company.name),
            path: format!("/companies/{text}"),
            id: text,
            entries: Entries::of(company),
            faults: Faults::none(),
            asks: None,
        }
    }

    /// The same page, which asks whether to remove the company.
    pub(super) fn asking(visitor: &Visitor, company: &Company, fault: String) -> Self {
        Self {
            asks: Some(fault),
            ..Self::new(visitor, company)
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>".to_owned();
        let page = |is_mapped: bool, asks: Option<String>, faults| Self {
            frame: Frame::sample(Here::Companies),
            id: "1".to_owned(),
            path: "/companies/1".to_owned(),
            name: hostile.clone(),
            is_mapped,
            created: Timestamp::from_micros(1_764_122_400_000_000),
            mappings: [true, false]
                .into_iter()
                .filter(|_| is_mapped)
                .map(|is_on| Mapped {
                    integration: hostile.clone(),
                    path: "/settings/integrations/webhook/1/mappings".to_owned(),
                    rules: hostile.clone(),
                    is_on,
                    is_of_all: is_on,
                })
                .collect(),
            sources: vec![("/sources/1".to_owned(), hostile.clone())],
            events: "/events".to_owned(),
            deliveries: "/deliveries".to_owned(),
            entries: super::sample_entries(),
            faults,
            asks,
        };
        let mut read_only = page(false, None, Faults::none());
        read_only.frame.may_configure = false;
        read_only.sources.clear();
        vec![
            page(true, None, Faults::field("/aliases/0", "<script>")),
            page(true, Some(String::new()), Faults::none()),
            page(false, Some("<script>".to_owned()), Faults::none()),
            read_only,
        ]
    }
}

impl Mapped {
    /// None of an integration that the caller may not see, or that does not serve the company.
    fn new(mapping: &CompanyMapping, company: CompanyId, caller: &Caller) -> Option<Self> {
        let configuration = &caller.configuration;
        let found = configuration.integration(mapping.integration);
        let found =
            found.filter(|found| found.serves(company) && integration::seen(found, caller))?;
        let rules = mapping
            .rules
            .iter()
            .filter_map(|id| configuration.rule(*id));
        let rules: Vec<_> = rules.map(|rule| visible(&rule.name)).collect();
        Some(Self {
            integration: visible(&found.name),
            path: format!(
                "/settings/integrations/{}/{}/mappings",
                found.connector, found.id
            ),
            rules: rules.join(", "),
            is_on: mapping.create_webhook_alert,
            is_of_all: mapping.company == MappedTo::All,
        })
    }
}

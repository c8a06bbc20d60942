use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use domain::company::Company;
use domain::configuration::Configuration;
use domain::integration::Integration;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::{CompanyId, IntegrationId};
use http::StatusCode;
use serde::Deserialize;

use super::super::step::Step;
use super::super::tabs::{Tab, Tabs};
use crate::console::filters;
use crate::console::form::Faults;
use crate::console::page::ROWS;
use crate::console::rule::Outcome;
use crate::console::text::visible;
use crate::console::{Frame, Page, page, query};
use crate::problem::Problem;
use crate::read::{Caller, Mapped, PageQuery, Posted, Query};

/// Most companies that are offered at once, beside those that are ticked; others are found by a search.
const OFFERED: usize = 200;
/// Most rules that are offered, those that are ticked first.
const RULES_OFFERED: usize = 1_000;
/// Fields that have a place of their own for what is wrong with them.
const SHOWN: [&str; 2] = ["/companies", "/rules"];

#[derive(Debug, Template)]
#[template(path = "integration/mapping/show.html")]
pub(in crate::console) struct MappingsPage {
    frame: Frame,
    tabs: Tabs,
    /// Where this page is, and the tabs before it.
    path: String,
    rules_path: String,
    credentials: String,
    /// For those who may change something.
    form: Option<MappingForm>,
    /// The section Selected Companies.
    selected: Vec<Row>,
    files: query::Files,
    next: Option<String>,
    is_later: bool,
    /// The mapping that is asked about before it goes.
    doomed: Option<Row>,
}

/// The form of a mapping.
#[derive(Debug)]
struct MappingForm {
    /// The company whose mapping is changed; none is several.
    edited: Option<Edited>,
    find: String,
    companies: Vec<Choice>,
    /// Companies that fit and are not offered.
    more: usize,
    rules: Vec<Choice>,
    create_webhook_alert: bool,
    faults: Faults,
    /// Mappings that would be replaced, when that is asked.
    replaced: usize,
    /// How many companies are ticked.
    ticked: usize,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
struct Edited {
    id: String,
    name: String,
}

/// A company or a rule to be ticked.
#[derive(Debug)]
struct Choice {
    id: String,
    name: String,
    hint: String,
    ticked: bool,
}

/// A mapping in the section Selected Companies.
#[derive(Debug)]
struct Row {
    /// The company's id, or `all`.
    id: String,
    name: String,
    rules: Vec<String>,
    create_webhook_alert: bool,
    /// The company is not among the associated ones any more.
    is_cut_off: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
    /// Companies whose names hold this.
    find: Option<String>,
    /// The company whose mapping is changed.
    edit: Option<String>,
    /// The company whose mapping is to go.
    remove: Option<String>,
}

/// What stands in the form.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// Ids, or `all`.
    pub(super) companies: Vec<String>,
    pub(super) rules: Vec<String>,
    pub(super) create_webhook_alert: bool,
}

pub(super) async fn show(step: Step, Query(asked): Query<Asked>) -> Page {
    page(&MappingsPage::new(&step, &asked, None)?)
}

impl Asked {
    /// The page on which the mapping of a company is changed.
    pub(super) fn editing(company: Mapped) -> Self {
        Self {
            edit: Some(company.to_string()),
            ..Self::default()
        }
    }
}

impl Typed {
    /// The form as it was posted, of the company of its path or of those that are ticked.
    pub(super) fn posted(posted: &Posted, company: Option<Mapped>) -> Self {
        let texts = |name| posted.all(name).map(str::to_owned).collect();
        Self {
            companies: match company {
                Some(company) => vec![company.to_string()],
                None => texts("companies"),
            },
            rules: texts("rules"),
            create_webhook_alert: posted.has("create_webhook_alert"),
        }
    }

    fn stored(mapping: &CompanyMapping) -> Self {
        Self {
            companies: vec![Mapped::from(mapping.company).to_string()],
            rules: mapping.rules.iter().map(ToString::to_string).collect(),
            create_webhook_alert: mapping.create_webhook_alert,
        }
    }
}

impl MappingsPage {
    /// The page with the form as it stands, and what is wrong with it.
    pub(super) fn new(
        step: &Step,
        asked: &Asked,
        typed: Option<(Typed, Faults)>,
    ) -> Result<Self, Problem> {
        let (caller, integration) = (&step.visitor.caller, &*step.integration);
        let path = step.path(Tab::Mapping);
        let row = |mapping: &CompanyMapping| Row::new(mapping, integration, &caller.configuration);
        let mut doomed = None;
        let mut form = None;
        if step.may_configure() {
            if let Some(text) = asked.remove.as_deref() {
                doomed = Some(row(find(text, step)?));
            }
            form = Some(MappingForm::new(step, asked, typed)?);
        }
        let seen = |mapping: &&CompanyMapping| match mapping.company {
            MappedTo::All => true,
            MappedTo::Company(company) => caller.sees(company),
        };
        let mappings = caller.configuration.mappings_of(integration.id);
        let list = query::State::new(path.clone(), &[("limit", asked.limit.as_deref())]);
        let at = PageQuery::new(asked.limit.clone(), asked.cursor.clone()).or(ROWS);
        let is_later = at.is_later();
        let found = at.of(mappings.filter(seen), |mapping: &&CompanyMapping| {
            Mapped::from(mapping.company)
        })?;
        Ok(Self {
            frame: step.frame(Tab::Mapping.word()),
            tabs: step.tabs(Tab::Mapping),
            rules_path: step.path(Tab::Rules),
            credentials: step.path(Tab::Credentials),
            form,
            selected: found.items.into_iter().map(row).collect(),
            files: files(integration.id),
            next: found
                .next
                .map(|cursor| format!("{}#selected", list.next(&cursor))),
            is_later,
            path,
            doomed,
        })
    }

    /// The status of a page that shows what is wrong.
    pub(super) fn status(&self) -> StatusCode {
        let form = self.form.as_ref();
        form.map_or(StatusCode::OK, |form| form.faults.status())
    }

    /// Asks whether that many mappings are to be replaced.
    pub(super) fn ask(&mut self, replaced: usize) {
        if let Some(form) = &mut self.form {
            form.replaced = replaced;
        }
    }

    pub(super) fn show_outcome(&mut self, outcome: Outcome) {
        if let Some(form) = &mut self.form {
            form.outcome = Some(outcome);
        }
    }

    /// Whether some mapping on this page makes alerts.
    fn makes_alerts(&self) -> bool {
        let mut rows = self.selected.iter();
        rows.any(|row| row.create_webhook_alert && !row.is_cut_off)
    }
}

fn files(integration: IntegrationId) -> query::Files {
    let path = format!("/api/v1/integrations/{integration}/mappings/export");
    query::State::new("", &[]).files(&path)
}

/// The mapping of a company by its id, or of all.
fn find<'a>(text: &str, step: &'a Step) -> Result<&'a CompanyMapping, Problem> {
    let company = text.parse::<Mapped>().ok();
    let configuration = &step.visitor.caller.configuration;
    let found =
        company.and_then(|company| configuration.mapping(step.integration.id, company.into()));
    found.ok_or_else(|| Problem::not_found("mapping"))
}

impl MappingForm {
    fn new(step: &Step, asked: &Asked, typed: Option<(Typed, Faults)>) -> Result<Self, Problem> {
        let (caller, integration) = (&step.visitor.caller, &*step.integration);
        let mut edited = None;
        let mut stored = Typed::default();
        if let Some(text) = asked.edit.as_deref().filter(|text| !text.is_empty()) {
            let mapping = find(text, step)?;
            edited = Some(Edited {
                id: text.to_owned(),
                name: name(mapping.company, &caller.configuration),
            });
            stored = Typed::stored(mapping);
        }
        let (typed, faults) = typed.unwrap_or((stored, Faults::none()));
        let find = asked.find.as_deref().unwrap_or_default().trim().to_owned();
        let (companies, more) = match edited {
            Some(_) => (Vec::new(), 0),
            None => companies(integration, caller, &typed, &find),
        };
        Ok(Self {
            edited,
            find,
            companies,
            more,
            rules: rules(integration, &caller.configuration, &typed),
            create_webhook_alert: typed.create_webhook_alert,
            faults,
            replaced: 0,
            ticked: typed.companies.len(),
            outcome: None,
        })
    }

    /// What belongs to no field.
    fn beside(&self) -> Vec<String> {
        self.faults.beside(&SHOWN)
    }
}

/// The associated companies that fit a search, all of them first; and how many are not offered.
fn companies(
    integration: &Integration,
    caller: &Caller,
    typed: &Typed,
    find: &str,
) -> (Vec<Choice>, usize) {
    let configuration = &caller.configuration;
    let ticked: HashSet<_> = typed.companies.iter().map(String::as_str).collect();
    let wanted = find.to_lowercase();
    let associated = configuration
        .companies()
        .filter(|company| integration.serves(company.id) && caller.sees(company.id));
    let mut fitting: Vec<(bool, String, &Arc<Company>)> = associated
        .map(|company| {
            let is_ticked = ticked.contains(company.id.to_string().as_str());
            (!is_ticked, company.name.to_lowercase(), company)
        })
        .filter(|(is_open, name, _)| !is_open || name.contains(&wanted))
        .collect();
    fitting.sort_unstable_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let open = fitting.iter().filter(|(is_open, ..)| *is_open).count();
    let more = open.saturating_sub(OFFERED);
    fitting.truncate(fitting.len() - more);
    let is_mapped = |company| configuration.mapping(integration.id, company).is_some();
    let hint = |company| if is_mapped(company) { "mapped" } else { "" };
    let all = Choice {
        id: "all".to_owned(),
        name: "All associated companies, those added later too".to_owned(),
        hint: hint(MappedTo::All).to_owned(),
        ticked: ticked.contains("all"),
    };
    let each = fitting.into_iter().map(|(is_open, _, company)| Choice {
        id: company.id.to_string(),
        name: visible(&company.name),
        hint: hint(MappedTo::Company(company.id)).to_owned(),
        ticked: !is_open,
    });
    (std::iter::once(all).chain(each).collect(), more)
}

/// The rules of the integration, by name, each with its event set.
fn rules(integration: &Integration, configuration: &Configuration, typed: &Typed) -> Vec<Choice> {
    let own = configuration
        .rules()
        .filter(|rule| rule.integration == integration.id);
    let choice = |rule: &Arc<IntegrationRule>| {
        let id = rule.id.to_string();
        let set = configuration.event_set(rule.event_set);
        Choice {
            ticked: typed.rules.contains(&id),
            id,
            name: visible(&rule.name),
            hint: set.map_or_else(String::new, |set| visible(&set.name)),
        }
    };
    let mut rules: Vec<_> = own.map(choice).collect();
    rules.sort_unstable_by_key(|rule| (!rule.ticked, rule.name.to_lowercase()));
    rules.truncate(RULES_OFFERED);
    rules.sort_unstable_by_key(|rule| rule.name.to_lowercase());
    rules
}

fn name(company: MappedTo, configuration: &Configuration) -> String {
    let named = |id: CompanyId| {
        let found = configuration.company(id);
        found.map_or_else(|| id.to_string(), |company| visible(&company.name))
    };
    match company {
        MappedTo::All => "All companies".to_owned(),
        MappedTo::Company(id) => named(id),
    }
}

impl Row {
    fn new(
        mapping: &CompanyMapping,
        integration: &Integration,
        configuration: &Configuration,
    ) -> Self {
        let rules = mapping.rules.iter();
        let rules = rules.filter_map(|id| configuration.rule(*id));
        Self {
            id: Mapped::from(mapping.company).to_string(),
            name: name(mapping.company, configuration),
            rules: rules.map(|rule| visible(&rule.name)).collect(),
            create_webhook_alert: mapping.create_webhook_alert,
            is_cut_off: match mapping.company {
                MappedTo::All => false,
                MappedTo::Company(id) => !integration.serves(id),
            },
        }
    }
}

#[cfg(test)]
impl MappingsPage {
    pub(in crate::console) fn samples() -> Vec<Self> {
        let form = |edited, faults, replaced, outcome| MappingForm {
            edited,
            ..MappingForm::sample(faults, replaced, outcome)
        };
        let edited = Edited {
            id: "all".to_owned(),
            name: "<i>Globex".to_owned(),
        };
        let wrong = Faults::field("/companies", "<script>");
        vec![
            Self::sample(Some(form(None, Faults::none(), 0, None)), 0),
            Self::sample(Some(form(None, wrong, 2, Some(Outcome::sample()))), 3),
            Self::sample(Some(form(Some(edited), Faults::none(), 0, None)), 1),
            Self::sample(None, 2),
            Self::sample(None, 0),
            Self {
                doomed: Some(Row::sample(1)),
                ..Self::sample(Some(MappingForm::bare()), 0)
            },
        ]
    }

    fn sample(form: Option<MappingForm>, rows: usize) -> Self {
        use crate::console::Here;
        Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::Mapping, true),
            path: "/settings/integrations/webhook/1/mappings".to_owned(),
            rules_path: "/settings/integrations/webhook/1/rules".to_owned(),
            credentials: "/settings/integrations/webhook/1/credentials".to_owned(),
            form,
            selected: (0..rows).map(Row::sample).collect(),
            files: query::State::new("", &[]).files("/api/v1/integrations/1/mappings/export"),
            next: (rows > 1).then(|| "/settings?cursor=1".to_owned()),
            is_later: rows > 2,
            doomed: None,
        }
    }
}

#[cfg(test)]
impl MappingForm {
    fn sample(faults: Faults, replaced: usize, outcome: Option<Outcome>) -> Self {
        let choice = |ticked| Choice {
            id: "\"><script>alert(1)</script>".to_owned(),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            hint: if ticked { "mapped" } else { "" }.to_owned(),
            ticked,
        };
        Self {
            companies: vec![choice(true), choice(false)],
            more: 7,
            rules: vec![choice(false)],
            faults,
            replaced,
            ticked: 3,
            outcome,
            ..Self::bare()
        }
    }

    /// Of an integration without companies and rules.
    fn bare() -> Self {
        Self {
            edited: None,
            find: "\"><b>".to_owned(),
            companies: Vec::new(),
            more: 0,
            rules: Vec::new(),
            create_webhook_alert: true,
            faults: Faults::none(),
            replaced: 0,
            ticked: 0,
            outcome: None,
        }
    }
}

#[cfg(test)]
impl Row {
    fn sample(number: usize) -> Self {
        Self {
            id: number.to_string(),
            name: "<i>Globex".to_owned(),
            rules: vec!["<img src=x onerror=alert(1)>".to_owned(); number],
            create_webhook_alert: number == 1,
            is_cut_off: number == 2,
        }
    }
}

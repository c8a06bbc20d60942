use std::time::Duration;

use axum::extract::State;
use domain::source::{COMPANIES, COMPANY_RULES, CompanyRule, Source, SourceLimits, When};
use domain::time::{format_duration, parse_duration};
use domain::{CompanyId, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::SourceView;
use super::authentication::AuthenticationForm;
use super::limits::LimitsForm;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::read::{Admin, Caller, Form};

/// Longest window of repeats: what was said is remembered so long when nothing else is set.
const LONGEST_WINDOW: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Longest name or pattern of a company rule, in bytes.
const PATTERN_BYTES: usize = 256;

/// As it is given, and as the configuration file has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceForm {
    pub(in crate::api) name: String,
    /// The default company, by id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<String>,
    /// The companies that it may speak for; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) companies: Vec<String>,
    /// The first that fits chooses the company, inside `companies`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) company_rules: Vec<CompanyRuleForm>,
    pub(super) authentication: AuthenticationForm,
    /// An event that says the same as one which was last seen within this time is counted on that one: `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dedup_window: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limits: Option<LimitsForm>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyRuleForm {
    when: WhenForm,
    company: String,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhenForm {
    /// The body names this company.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_company: Option<String>,
    /// The host name fits; `*` stands for any run of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    /// The address lies in this range.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// Make a source: a door that alerts come in by.
#[utoipa::path(post, path = "/api/v1/sources", tag = "sources", request_body = SourceForm,
    responses((status = 201, body = SourceView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<SourceForm>,
) -> Made<SourceView> {
    let mut fields = Fields::default();
    let source = form.parse(&mut fields, &app, &caller, None);
    let source = fields.finish_with(source)?;
    let view = SourceView::new(&source, &app, &caller);
    app.store()
        .change(Change::InsertSource(source), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl SourceForm {
    /// The source that it makes: a new one, or another form of the stored one.
    pub(in crate::api) fn parse(
        &self,
        fields: &mut Fields,
        app: &App,
        caller: &Caller,
        stored: Option<&Source>,
    ) -> Option<Source> {
        let name = fields.name(&self.name);
        fields.at_most("/companies", self.companies.len(), COMPANIES);
        let companies = fields.companies("/companies", &self.companies, caller);
        let company = self
            .company
            .as_deref()
            .and_then(|text| fields.company("/company", text, caller));
        if company.is_some_and(|id| !companies.is_empty() && !companies.contains(&id)) {
            fields.error("/company", "is one of `companies`, when these are given");
        }
        fields.at_most("/company_rules", self.company_rules.len(), COMPANY_RULES);
        let company_rules = self.company_rules.iter().enumerate().take(COMPANY_RULES);
        let company_rules = company_rules.filter_map(|(index, rule)| {
            let pointer = format!("/company_rules/{index}");
            rule.parse(fields, &pointer, &companies, caller)
        });
        let company_rules = company_rules.collect();
        let kept = stored.map(|stored| &stored.authentication);
        let authentication = self.authentication.parse(fields, app, kept);
        let dedup_window = self.dedup_window.as_deref().filter(|text| !text.is_empty());
        let dedup_window =
            dedup_window.and_then(|text| fields.take("/dedup_window", parse_duration(text)));
        if dedup_window.is_some_and(|window| window > LONGEST_WINDOW) {
            let most = format_duration(LONGEST_WINDOW);
            fields.error("/dedup_window", format!("is at most {most}"));
        }
        let limits = self.limits.as_ref();
        let limits = limits.map_or_else(SourceLimits::default, |form| form.parse(fields, app));
        let (id, created_at) = identity(stored, app);
        Some(Source {
            id,
            name: name?,
            companies,
            company,
            company_rules,
            authentication,
            dedup_window: dedup_window.filter(|window| !window.is_zero()),
            limits,
            created_at,
        })
    }

    /// The form of a source, its companies called as `call` calls them.
    pub(in crate::api) fn of(source: &Source, call: impl Fn(CompanyId) -> String) -> Self {
        let rule = |rule: &CompanyRule| CompanyRuleForm {
            when: WhenForm::from(&rule.when),
            company: call(rule.company),
        };
        let mut companies: Vec<_> = source.companies.iter().map(|id| call(*id)).collect();
        companies.sort_unstable();
        Self {
            name: source.name.clone(),
            company: source.company.map(&call),
            companies,
            company_rules: source.company_rules.iter().map(rule).collect(),
            authentication: AuthenticationForm::of(source),
            dedup_window: source.dedup_window.map(format_duration),
            limits: LimitsForm::of(&source.limits),
        }
    }
}

fn identity(stored: Option<&Source>, app: &App) -> (SourceId, Timestamp) {
    stored.map_or_else(
        || (app.fresh(SourceId::new), app.now()),
        |stored| (stored.id, stored.created_at),
    )
}

impl CompanyRuleForm {
    fn parse(
        &self,
        fields: &mut Fields,
        pointer: &str,
        companies: &[domain::CompanyId],
        caller: &Caller,
    ) -> Option<CompanyRule> {
        let company = fields.company(&format!("{pointer}/company"), &self.company, caller);
        if company.is_some_and(|id| !companies.is_empty() && !companies.contains(&id)) {
            fields.error(
                format!("{pointer}/company"),
                "is one of `companies`, when these are given",
            );
        }
        let when = self.when.parse(fields, &format!("{pointer}/when"));
        Some(CompanyRule {
            when: when?,
            company: company?,
        })
    }
}

impl WhenForm {
    fn parse(&self, fields: &mut Fields, pointer: &str) -> Option<When> {
        let mut bounded = |name: &str, text: &str| {
            let good = !text.trim().is_empty() && text.len() <= PATTERN_BYTES;
            if !good {
                fields.error(
                    format!("{pointer}/{name}"),
                    format!("has 1 to {PATTERN_BYTES} bytes"),
                );
            }
            good.then(|| text.trim().to_owned())
        };
        match (&self.body_company, &self.hostname, &self.address) {
            (Some(name), None, None) => bounded("body_company", name).map(When::BodyCompany),
            (None, Some(pattern), None) => bounded("hostname", pattern).map(When::Hostname),
            (None, None, Some(range)) => fields
                .take(
                    &format!("{pointer}/address"),
                    super::authentication::range(range),
                )
                .map(When::Address),
            _ => {
                fields.error(
                    pointer,
                    "has exactly one of body_company, hostname, address",
                );
                None
            }
        }
    }
}

impl From<&When> for WhenForm {
    fn from(when: &When) -> Self {
        let mut form = Self {
            body_company: None,
            hostname: None,
            address: None,
        };
        match when {
            When::BodyCompany(name) => form.body_company = Some(name.clone()),
            When::Hostname(pattern) => form.hostname = Some(pattern.clone()),
            When::Address(range) => form.address = Some(range.to_string()),
        }
        form
    }
}

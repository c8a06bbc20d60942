use axum::extract::State;
use domain::SourceId;
use domain::source::{COMPANIES, COMPANY_RULES, CompanyRule, Source, When};
use domain::time::parse_duration;
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::SourceView;
use super::authentication::AuthenticationForm;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form};

/// Longest name or pattern of a company rule, in bytes.
const PATTERN_BYTES: usize = 256;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceForm {
    name: String,
    /// The default company, by id or name.
    company: Option<String>,
    /// The companies that it may speak for; empty means all.
    #[serde(default)]
    companies: Vec<String>,
    /// The first that fits chooses the company, inside `companies`.
    #[serde(default)]
    company_rules: Vec<CompanyRuleForm>,
    authentication: AuthenticationForm,
    /// Equal events within it are counted on the first: `5m`.
    dedup_window: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyRuleForm {
    when: WhenForm,
    company: String,
}

/// One of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhenForm {
    /// The body names this company.
    body_company: Option<String>,
    /// The host name fits; `*` stands for any run of characters.
    hostname: Option<String>,
    /// The address lies in this range.
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
    let source = form.parse(&app, &caller)?;
    let view = SourceView::new(&source, &app, &caller);
    app.store()
        .change(Change::InsertSource(source), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl SourceForm {
    fn parse(self, app: &App, caller: &Caller) -> Result<Source, Problem> {
        let mut fields = Fields::default();
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
            rule.parse(
                &mut fields,
                &format!("/company_rules/{index}"),
                &companies,
                caller,
            )
        });
        let company_rules = company_rules.collect();
        let authentication = self.authentication.parse(&mut fields, app);
        let dedup_window = self.dedup_window.as_deref().filter(|text| !text.is_empty());
        let dedup_window =
            dedup_window.and_then(|text| fields.take("/dedup_window", parse_duration(text)));
        let name = fields.finish_with(name)?;
        Ok(Source {
            id: app.fresh(SourceId::new),
            name,
            companies,
            company,
            company_rules,
            authentication,
            dedup_window: dedup_window.filter(|window| !window.is_zero()),
            created_at: app.now(),
        })
    }
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

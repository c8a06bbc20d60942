use std::num::NonZeroU32;

use axum::extract::State;
use domain::company::{Company, Quota, parse_name};
use domain::{CompanyId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::{CompanyView, QuotaForm};
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::read::{Admin, Form};

/// Most other names of one company.
const ALIASES: usize = 100;

/// As it is given, and as the configuration file has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyForm {
    pub(in crate::api) name: String,
    /// Other names by which alert bodies call it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) aliases: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<QuotaForm>,
}

/// Make a company.
#[utoipa::path(post, path = "/api/v1/companies", tag = "companies", request_body = CompanyForm,
    responses((status = 201, body = CompanyView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<CompanyForm>,
) -> Made<CompanyView> {
    let mut fields = Fields::default();
    let company = form.parse(&mut fields, app.fresh(CompanyId::new), app.now());
    let company = fields.finish_with(company)?;
    let view = CompanyView::new(&company, &caller.configuration);
    app.store()
        .change(Change::InsertCompany(company), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl CompanyForm {
    /// The company that it makes of an id, new or known.
    pub(in crate::api) fn parse(
        &self,
        fields: &mut Fields,
        id: CompanyId,
        created_at: Timestamp,
    ) -> Option<Company> {
        let name = fields.name(&self.name);
        fields.at_most("/aliases", self.aliases.len(), ALIASES);
        let aliases = self.aliases.iter().enumerate().take(ALIASES);
        let aliases = aliases.filter_map(|(index, alias)| {
            fields.take(&format!("/aliases/{index}"), parse_name(alias))
        });
        let aliases = aliases.collect();
        let mut optional = |pointer: &str, text: &Option<String>| {
            text.as_deref()
                .filter(|text| !text.is_empty())
                .and_then(|text| fields.take(pointer, parse_name(text)))
        };
        let (domain, external_id) = (
            optional("/domain", &self.domain),
            optional("/external_id", &self.external_id),
        );
        let quota = self.quota.as_ref().and_then(|quota| quota.parse(fields));
        Some(Company {
            id,
            name: name?,
            aliases,
            domain,
            external_id,
            quota,
            created_at,
        })
    }
}

impl QuotaForm {
    fn parse(&self, fields: &mut Fields) -> Option<Quota> {
        let number = u32::try_from(self.events_per_second)
            .ok()
            .filter(|number| *number <= Quota::MOST)
            .and_then(NonZeroU32::new)
            .ok_or("is a whole number from 1 to 1000000; null means no quota");
        fields
            .take("/quota/events_per_second", number)
            .map(|events_per_second| Quota { events_per_second })
    }
}

impl From<&Company> for CompanyForm {
    fn from(company: &Company) -> Self {
        Self {
            name: company.name.clone(),
            aliases: company.aliases.clone(),
            domain: company.domain.clone(),
            external_id: company.external_id.clone(),
            quota: company.quota.as_ref().map(QuotaForm::from),
        }
    }
}

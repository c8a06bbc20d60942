use axum::Json;
use axum::extract::State;
use domain::SourceId;
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::authentication::AuthenticationPatch;
use super::create::{CompanyRuleForm, SourceForm};
use super::limits::LimitsForm;
use super::{SourceView, find};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::read::form::or_null;
use crate::read::{Admin, Form, Id};

/// What is not named stays as it is; null takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourcePatch {
    name: Option<String>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    company: Option<Option<String>>,
    /// In the place of the former; empty means all.
    companies: Option<Vec<String>>,
    /// In the place of the former.
    company_rules: Option<Vec<CompanyRuleForm>>,
    authentication: Option<AuthenticationPatch>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    dedup_window: Option<Option<String>>,
    /// In the place of the former; null takes them away.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<LimitsForm>)]
    limits: Option<Option<LimitsForm>>,
}

/// Change a source. Its intake URL stays.
#[utoipa::path(patch, path = "/api/v1/sources/{id}", tag = "sources", params(("id" = String, Path)),
    request_body = SourcePatch, responses((status = 200, body = SourceView)))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<SourceId>,
    Form(patch): Form<SourcePatch>,
) -> Answer<SourceView> {
    let stored = find(id, &caller)?;
    let form = patch.over(SourceForm::of(stored, |company| company.to_string()));
    let mut fields = Fields::default();
    let changed = form.parse(&mut fields, &app, &caller, Some(stored));
    let changed = fields.finish_with(changed)?;
    let view = SourceView::new(&changed, &app, &caller);
    if changed != *stored {
        app.store()
            .change(Change::UpdateSource(changed), &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view))
}

impl SourcePatch {
    fn over(self, stored: SourceForm) -> SourceForm {
        SourceForm {
            name: self.name.unwrap_or(stored.name),
            company: self.company.unwrap_or(stored.company),
            companies: self.companies.unwrap_or(stored.companies),
            company_rules: self.company_rules.unwrap_or(stored.company_rules),
            authentication: match self.authentication {
                Some(patch) => patch.over(stored.authentication),
                None => stored.authentication,
            },
            dedup_window: self.dedup_window.unwrap_or(stored.dedup_window),
            limits: self.limits.unwrap_or(stored.limits),
        }
    }
}
